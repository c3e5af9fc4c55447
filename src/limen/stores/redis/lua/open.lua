-- arg 1-5 account; 6 id, 7 subject, 8 revision or '', 9 reference or '', 10 refresh or '',
-- 11 strategy, 12 created, 13 used, 14 expires, 15 idle, 16 body, 17 life of the key in ms,
-- 18 what the application keeps with it or '', 19 a session that it replaces or '', 20 how many
-- sessions the subject may have or '', 21 '1' if others give way, 22 horizon, 23 '1' if what
-- ends was kept at home. Says `ends`, and does nothing, if something would end and was not.
local id, subject = arg(6), arg(7)
local owner, missing = account(subject, true)
if not owner then return missing end
if owner[2] == '1' then return { 'refused' } end
if arg(8) ~= '' and (owner[1] ~= '1' or owner[4] ~= arg(8)) then return { 'refused' } end
if taken(arg(9)) or taken(arg(10)) or session(id) or (arg(9) ~= '' and arg(9) == arg(10)) then
  return { 'taken' }
end
local now, horizon, fields = tonumber(arg(13)), tonumber(arg(22)), arg(18)
local ending, crowd = {}, {}
local function lives(row)
  return now < math.min(tonumber(row[USED]) + tonumber(row[IDLE]), tonumber(row[EXPIRES]))
end
if arg(19) ~= '' then
  local replaced = session(arg(19))
  if not replaced or replaced[SUBJECT] ~= subject or not lives(replaced) then return { 'gone' } end
  ending, fields = { { arg(19), replaced } }, replaced[FIELDS] or ''
end
if arg(20) ~= '' then
  for _, one in ipairs(owned(subject)) do
    if one[1] ~= arg(19) and lives(one[2]) then crowd[#crowd + 1] = one end
  end
  -- The last used one first.
  table.sort(crowd, function(a, b)
    for _, field in ipairs({ USED, CREATED }) do
      local one, other = tonumber(a[2][field]), tonumber(b[2][field])
      if one ~= other then return one > other end
    end
    return a[1] < b[1]
  end)
  local most = tonumber(arg(20))
  if #crowd >= most and arg(21) ~= '1' then return { 'crowded' } end
  for at = most, #crowd do ending[#ending + 1] = crowd[at] end
end
local latest, furthest, ids = now, 0, {}
for _, one in ipairs(ending) do
  latest = math.max(latest, latest_of(one[2]))
  furthest = math.max(furthest, tonumber(one[2][EXPIRES]))
  ids[#ids + 1] = one[1]
end
latest = latest_use(latest, horizon)
if #ids > 0 and arg(23) ~= '1' then return { 'ends', num(latest), num(furthest), ids } end
table.sort(ids)
for _, ended in ipairs(ids) do
  remove(ended, subject)
  if horizon > 0 then append('session', ended, latest + 1, latest + horizon) end
end
local row = lifted({ subject, arg(11), arg(12), arg(13), arg(14), arg(15), arg(16), unique() })
local key, life = session_key(id), tonumber(arg(17))
redis.call('HSET', key, 'subject', subject, 'strategy', row[STRATEGY], 'created', row[CREATED],
  'used', row[USED], 'expires', row[EXPIRES], 'idle', row[IDLE], 'body', row[BODY],
  'born', row[BORN])
if fields ~= '' then redis.call('HSET', key, 'fields', fields) end
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
return { 'opened', row[CREATED], fields, num(latest), num(furthest), ids }
