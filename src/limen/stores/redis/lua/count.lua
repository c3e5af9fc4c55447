-- arg 1 from which moment of beginning, 2 how many at least, 3 now, 4 recent since, 5 unused
-- since. Counts a page of sessions; says where the next one begins, '' if there is none.
local now, recent, unused = tonumber(arg(3)), tonumber(arg(4)), tonumber(arg(5))
local page = redis.call('ZRANGEBYSCORE', live_key(), arg(1), '+inf', 'WITHSCORES', 'LIMIT', 0, arg(2))
if #page == 0 then return { 'counted', '', {} } end
-- A page ends with a moment, so that the next one misses nobody who began at the same one.
local last, ids = page[#page], {}
for at = 1, #page, 2 do
  if page[at + 1] ~= last then ids[#ids + 1] = page[at] end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', live_key(), last, last)) do ids[#ids + 1] = id end
local rows, known = {}, {}
local function count(strategy, kind, many, used, created, ends, expires)
  if many == 0 then return end
  local row = known[strategy .. '/' .. kind]
  if not row then
    row = { strategy, kind, 0, 0, 0, 0, 0 }
    known[strategy .. '/' .. kind], rows[#rows + 1] = row, row
  end
  row[3] = row[3] + many
  if math.max(created, used) > recent then row[4] = row[4] + many end
  if used <= unused then row[5] = row[5] + many end
  row[6], row[7] = math.max(row[6], ends), math.max(row[7], expires)
end
for _, id in ipairs(ids) do
  local row = session(id)
  if row then
    local used, created = tonumber(row[USED]), tonumber(row[CREATED])
    local expires = tonumber(row[EXPIRES])
    local ends = math.min(used + tonumber(row[IDLE]), expires)
    if now < ends then
      local held = redis.call('HMGET', session_key(id), 'reference', 'refresh')
      local strategy = row[STRATEGY]
      count(strategy, 'session', 1, used, created, ends, expires)
      count(strategy, 'reference', tonumber(held[1] or '0'), used, created, ends, expires)
      count(strategy, 'refresh', tonumber(held[2] or '0'), used, created, ends, expires)
    end
  end
end
for _, row in ipairs(rows) do
  row[6], row[7] = num(row[6]), num(row[7])
end
return { 'counted', '(' .. last, rows }
