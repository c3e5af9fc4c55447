-- arg 1 kind, 2 subject, 3 owner or '', 4 a session to keep or '', 5 '1' to spare sessions,
-- 6 now, 7 horizon, 8 subject and 9 token of an account change that is over or ''.
-- A kind of '' ends nothing.
local kind, subject, keep = arg(1), arg(2), arg(4)
local now, horizon = tonumber(arg(6)), tonumber(arg(7))
local spares = arg(5) == '1'
local latest, furthest, ids, count = now, 0, {}, 0
if kind == 'session' then
  local row = session(subject)
  if row and (arg(3) == '' or row[SUBJECT] == arg(3)) then
    latest = math.max(latest, latest_of(row))
    furthest, ids, count = tonumber(row[EXPIRES]), { subject }, 1
    remove(subject, row[SUBJECT])
  elseif not row and forgetful(horizon) then
    -- It ended with the state that was lost, but not its signed tokens; nor does anything say
    -- any more whose it was.
    ids = { subject }
  end
elseif kind == 'user' then
  for _, one in ipairs(owned(subject)) do
    if one[1] ~= keep then latest = math.max(latest, latest_of(one[2])) end
    if not spares and one[1] ~= keep then
      furthest = math.max(furthest, tonumber(one[2][EXPIRES]))
      ids[#ids + 1] = one[1]
    end
  end
  table.sort(ids)
  for _, id in ipairs(ids) do remove(id, subject) end
  count = #ids
elseif kind == 'all' then
  local bounds = redis.call('HMGET', bounds_key(), 'latest', 'furthest')
  latest = math.max(latest, tonumber(bounds[1] or '0'))
  if not spares then
    furthest = tonumber(bounds[2] or '0')
    count = redis.call('ZCARD', live_key())
    redis.call('UNLINK', live_key(), ends_key(), bounds_key())
    redis.call('INCR', P .. 'era')
  end
end
latest = latest_use(latest, horizon)
local names = { subject }
if kind == 'session' or (kind == 'user' and keep ~= '') then
  kind, names = 'session', ids
end
local seq = ''
if horizon > 0 and kind ~= '' then
  for _, name in ipairs(names) do
    seq = append(kind, name, latest + 1, latest + horizon)
  end
end
if arg(9) ~= '' then
  redis.call('HDEL', P .. 'm:' .. arg(8), arg(9))
  redis.call('ZREM', P .. 'marks', arg(9) .. '/' .. arg(8))
  account_moves(arg(8))
end
return { 'ended', count, seq, num(latest), num(furthest), ids }
