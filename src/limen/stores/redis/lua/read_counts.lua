-- arg 1 now, 2 how many, then the names. Zeros stand for one that is in no window.
local now, tallies = tonumber(arg(1)), { 'tallies' }
for number = 1, tonumber(arg(2)) do
  local kept = redis.call('HMGET', P .. 't:' .. arg(2 + number), 'count', 'resets')
  local over = not kept[2] or tonumber(kept[2]) <= now
  tallies[#tallies + 1] = over and '0' or kept[1]
  tallies[#tallies + 1] = over and '0' or kept[2]
end
return tallies
