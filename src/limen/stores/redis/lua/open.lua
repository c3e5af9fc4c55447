-- arg 1-5 account; 6 id, 7 subject, 8 revision or '', 9 reference or '', 10 refresh or '',
-- 11 strategy, 12 created, 13 used, 14 expires, 15 idle, 16 body, 17 life of the key in ms,
-- 18 what the application keeps with it or ''
local id, subject = arg(6), arg(7)
local owner, missing = account(subject, true)
if not owner then return missing end
if owner[2] == '1' then return { 'refused' } end
if arg(8) ~= '' and (owner[1] ~= '1' or owner[4] ~= arg(8)) then return { 'refused' } end
if taken(arg(9)) or taken(arg(10)) or session(id) or (arg(9) ~= '' and arg(9) == arg(10)) then
  return { 'taken' }
end
local row = lifted({ subject, arg(11), arg(12), arg(13), arg(14), arg(15), arg(16), unique() })
local key, life = session_key(id), tonumber(arg(17))
redis.call('HSET', key, 'subject', subject, 'strategy', row[STRATEGY], 'created', row[CREATED],
  'used', row[USED], 'expires', row[EXPIRES], 'idle', row[IDLE], 'body', row[BODY],
  'born', row[BORN])
if arg(18) ~= '' then redis.call('HSET', key, 'fields', arg(18)) end
redis.call('PEXPIRE', key, life)
redis.call('ZADD', owned_key(subject), row[CREATED], id)
if redis.call('PTTL', owned_key(subject)) < life then
  redis.call('PEXPIRE', owned_key(subject), life)
end
redis.call('ZADD', live_key(), row[CREATED], id)
use(id, row, row[USED])
raise_bound('latest', latest_of(row))
raise_bound('furthest', tonumber(row[EXPIRES]))
add_secret('reference', arg(9), id, row[BORN], row[CREATED], life)
add_secret('refresh', arg(10), id, row[BORN], row[CREATED], life)
return { 'opened', row[CREATED] }
