-- arg 1 id, 2 the body that was read, 3 the body that replaces it
local row = session(arg(1))
if not row then return { 'none' } end
if row[BODY] ~= arg(2) then return { 'moved' } end
row[BODY] = arg(3)
redis.call('HSET', session_key(arg(1)), 'body', arg(3))
return { 'set', arg(1), unpack(row, 1, 7) }
