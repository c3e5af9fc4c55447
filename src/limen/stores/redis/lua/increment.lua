-- arg 1 name, 2 window, 3 now
local key, window, now = P .. 't:' .. arg(1), tonumber(arg(2)), tonumber(arg(3))
local kept = redis.call('HMGET', key, 'count', 'resets')
local count, resets = tonumber(kept[1] or '0'), tonumber(kept[2] or '0')
if resets <= now then count, resets = 0, now + window end
count = count + 1
redis.call('HSET', key, 'count', num(count), 'resets', num(resets))
redis.call('PEXPIRE', key, num(window + DAY))
redis.call('ZADD', P .. 'over', num(resets), 't/' .. arg(1))
return { 'tally', num(count), num(resets) }
