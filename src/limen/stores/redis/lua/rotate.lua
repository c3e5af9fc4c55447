-- arg 1-5 account; 6 digest, 7 now, 8 when it was used as far as the caller knows or '',
-- 9 whether its successor was ('1' or '0'), 10 successor, 11 sealed successor.
-- What the presentation amounts to was decided on these; it is done if they still hold.
local digest, now = arg(6), arg(7)
local known, row = secret(digest)
if not known or known[1] ~= 'refresh' then return { 'moved' } end
local following = known[5] and secret(known[5])
local used = (following and following[4]) and '1' or '0'
if (known[4] or '') ~= arg(8) or used ~= arg(9) then return { 'moved' } end
local owner, missing = account(row[SUBJECT])
if not owner then return missing end
if owner[2] == '1' then return { 'moved' } end
local id, first = known[2], not known[4]
if first and taken(arg(10)) then return { 'taken' } end
use(id, row, now)
if first then
  -- Nobody can be given this token again, so nothing need be kept that leads to it.
  if known[7] and secret(known[7]) then
    redis.call('HDEL', secret_key(known[7]), 'sealed')
  end
  redis.call('HSET', secret_key(digest), 'used', now, 'successor', arg(10), 'sealed', arg(11))
  redis.call('HINCRBY', session_key(id), 'refresh', -1)
  add_secret('refresh', arg(10), id, row[BORN], now, redis.call('PTTL', session_key(id)))
  redis.call('HSET', secret_key(arg(10)), 'before', digest)
end
local answer = standing('rotated', id, lifted(row), owner)
answer[#answer + 1] = known[6] or ''
return answer
