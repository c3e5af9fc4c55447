-- arg 1 id, 2 what the application keeps with the session
local row = session(arg(1))
if not row then return { 'none' } end
redis.call('HSET', session_key(arg(1)), 'fields', arg(2))
return { 'set', arg(1), row[SUBJECT], row[STRATEGY], row[CREATED], row[USED], row[EXPIRES],
  row[IDLE], row[BODY], arg(2) }
