-- arg 1 how many at most end at once, then for each revocation kind, subject, not before,
-- '1' if it ended sessions, and when it may leave the log or '0'.
-- Ends again what a revocation ended that this state may not know of. A session that began
-- later is not touched. Says '1' if more is to do.
if settled then return { 'settled' } end
local limit, more = tonumber(arg(1)), '0'
for at = 2, #ARGV - 2, 5 do
  local kind, subject, before = arg(at), arg(at + 1), tonumber(arg(at + 2))
  if arg(at + 3) == '1' and kind == 'session' then
    local row = session(subject)
    if row then remove(subject, row[SUBJECT]) end
  elseif arg(at + 3) == '1' and kind == 'user' then
    for _, one in ipairs(owned(subject)) do
      if tonumber(one[2][CREATED]) < before then remove(one[1], subject) end
    end
  elseif arg(at + 3) == '1' and kind == 'all' then
    local older = redis.call('ZRANGEBYSCORE', live_key(), '-inf', '(' .. arg(at + 2),
      'LIMIT', 0, limit)
    for _, id in ipairs(older) do
      local row = session(id)
      remove(id, row and row[SUBJECT] or '')
    end
    if #older == limit then more = '1' end
  end
  local expires = tonumber(arg(at + 4))
  if expires > 0 then
    local kept = redis.call('HMGET', note_key(kind, subject), 'before', 'expires')
    if tonumber(kept[1] or '0') < before or tonumber(kept[2] or '0') < expires then
      append(kind, subject, before, expires)
    end
  end
end
return { 'applied', more }
