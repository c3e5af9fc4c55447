-- arg 1 name, 2 window, 3 now
local count, resets = counted(arg(1), tonumber(arg(2)), tonumber(arg(3)))
return { 'tally', num(count), num(resets) }
