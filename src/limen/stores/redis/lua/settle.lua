-- arg 1 a new name for this state, 2 how far to go ahead in the log's numbers, 3 '1' if
-- revocations were kept, so that there was a state before this one.
-- The last step: what follows is served. Marks of changes that were under way are dropped;
-- what they meant to end was kept before the account was touched, and is ended by now.
if settled then return { 'settled' } end
for _, name in ipairs(redis.call('ZRANGE', P .. 'marks', 0, -1)) do
  local token, subject = string.match(name, '^([^/]*)/(.*)$')
  redis.call('UNLINK', P .. 'm:' .. subject)
end
redis.call('UNLINK', P .. 'marks')
local last = tonumber(redis.call('GET', P .. 'seq') or '0')
redis.call('SET', P .. 'seq', num(math.max(last, clock(), tonumber(ARGV[2])) + tonumber(arg(2))))
if marker or arg(3) == '1' or tonumber(ARGV[2]) > 0 then
  redis.call('SET', P .. 'lost', num(clock()))
end
redis.call('SET', P .. 'marker', ARGV[1] .. '/' .. arg(1))
return { 'settled' }
