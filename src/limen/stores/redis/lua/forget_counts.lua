-- arg 1 how many, then the names
for number = 1, tonumber(arg(1)) do
  local name = arg(1 + number)
  redis.call('UNLINK', P .. 't:' .. name)
  redis.call('ZREM', P .. 'over', 't/' .. name)
end
return { 'forgotten' }
