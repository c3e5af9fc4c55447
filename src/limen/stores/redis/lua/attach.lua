-- arg 1-5 account; 6 id, 7 strategy or '', 8 now, 9 reference or '', 10 refresh or ''
local id = arg(6)
local row = session(id)
if not row then return { 'none' } end
local owner, missing = account(row[SUBJECT])
if not owner then return missing end
if taken(arg(9)) or taken(arg(10)) or (arg(9) ~= '' and arg(9) == arg(10)) then
  return { 'taken' }
end
use(id, row, arg(8))
if arg(7) ~= '' then
  row[STRATEGY] = arg(7)
  redis.call('HSET', session_key(id), 'strategy', arg(7))
end
local life = redis.call('PTTL', session_key(id))
add_secret('reference', arg(9), id, row[BORN], arg(8), life)
add_secret('refresh', arg(10), id, row[BORN], arg(8), life)
return standing('found', id, lifted(row), owner)
