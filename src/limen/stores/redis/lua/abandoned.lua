-- arg 1 how many at most. Changes of accounts that nobody finished: {subject, token, intent}.
local answer = { 'abandoned' }
local before = num(clock() - STALE)
for _, name in ipairs(redis.call('ZRANGEBYSCORE', P .. 'marks', '-inf', before, 'LIMIT', 0, arg(1))) do
  local token, subject = string.match(name, '^([^/]*)/(.*)$')
  local intent = redis.call('HGET', P .. 'm:' .. subject, token)
  if intent then
    answer[#answer + 1] = { subject, token, intent }
  else
    redis.call('ZREM', P .. 'marks', name)
  end
end
return answer
