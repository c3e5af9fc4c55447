-- arg 1 kind, 2 subject, 3 owner or '', 4 a session to keep or '', 5 subject and 6 token of an
-- account change or '', 7 its intent, 8 horizon. Says what an ending would end, without
-- ending it; with a token, everybody knows from here on that the account is changing.
if arg(6) ~= '' then
  redis.call('HSET', P .. 'm:' .. arg(5), arg(6), arg(7))
  redis.call('ZADD', P .. 'marks', num(clock()), arg(6) .. '/' .. arg(5))
  account_moves(arg(5))
end
local kind, subject = arg(1), arg(2)
local latest, furthest, ids = 0, 0, {}
if kind == 'session' then
  local row = session(subject)
  if row and (arg(3) == '' or row[SUBJECT] == arg(3)) then
    latest, furthest = latest_of(row), tonumber(row[EXPIRES])
  elseif row or not forgetful(tonumber(arg(8))) then
    return { 'none' }
  end
  ids = { subject }
elseif kind == 'user' then
  for _, one in ipairs(owned(subject)) do
    if one[1] ~= arg(4) then
      latest = math.max(latest, latest_of(one[2]))
      furthest = math.max(furthest, tonumber(one[2][EXPIRES]))
      ids[#ids + 1] = one[1]
    end
  end
elseif kind == 'all' then
  local bounds = redis.call('HMGET', bounds_key(), 'latest', 'furthest')
  latest, furthest = tonumber(bounds[1] or '0'), tonumber(bounds[2] or '0')
end
return { 'plan', num(latest_use(latest, tonumber(arg(8)))), num(furthest), ids }
