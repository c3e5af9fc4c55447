-- arg 1 session, 2 subject, 3 '1' if a key is named, 4 that key, 5 when it was issued
local issued = tonumber(arg(5))
local refused = redis.call('EXISTS', note_key('session', arg(1))) == 1
  or issued < before_of('user', arg(2))
  or issued < before_of('all', '')
  or (arg(3) == '1' and redis.call('EXISTS', note_key('key', arg(4))) == 1)
return { refused and 'refused' or 'none' }
