-- arg 1 now, 2 how many at most of each kind. Says how many went, and '1' if there may be more.
local now, limit = tonumber(arg(1)), tonumber(arg(2))
local count = 0
local ended = redis.call('ZRANGEBYSCORE', ends_key(), '-inf', arg(1), 'LIMIT', 0, limit)
for _, id in ipairs(ended) do
  local row = session(id)
  if row then count = count + 1 end
  remove(id, row and row[SUBJECT] or '')
end
local over = redis.call('ZRANGEBYSCORE', P .. 'over', '-inf', arg(1), 'LIMIT', 0, limit)
for _, name in ipairs(over) do
  local kind, rest = string.sub(name, 1, 1), string.sub(name, 3)
  if kind == 'l' then
    local entry = redis.call('XRANGE', P .. 'log', rest .. '-0', rest .. '-0')[1]
    if entry then
      local key = note_key(entry[2][2], entry[2][4])
      if tonumber(redis.call('HGET', key, 'expires') or '0') <= now then
        redis.call('UNLINK', key)
      end
      count = count + redis.call('XDEL', P .. 'log', rest .. '-0')
    end
  else
    count = count + redis.call('UNLINK', P .. 't:' .. rest)
  end
  redis.call('ZREM', P .. 'over', name)
end
return { 'purged', count, (#ended == limit or #over == limit) and '1' or '0' }
