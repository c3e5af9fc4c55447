-- arg 1 now, 2 how many, then name, window and limit ('' is none) of each
local now, tallies = tonumber(arg(1)), { 'tallies' }
for number = 0, tonumber(arg(2)) - 1 do
  local at = 3 + number * 3
  local name, window, limit = arg(at), tonumber(arg(at + 1)), tonumber(arg(at + 2))
  local count, resets = counted(name, window, now)
  tallies[#tallies + 1] = num(count)
  tallies[#tallies + 1] = num(resets)
  if limit and count > limit then break end
end
return tallies
