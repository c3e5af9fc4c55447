-- What every script begins with. ARGV[1] names the server process that the caller is connected
-- to, ARGV[2] is the highest number of the log that the caller has seen; the rest is arg(n).
-- All keys have one hash tag, so they lie in one slot of a cluster. Keys are made here, from
-- what other keys say, so KEYS names only the one that leads to the slot.
local P = '{limen}:'
local DAY = 86400000
local COPY = 300000 -- an account's state is read from its home again after this, in ms
local GOING = 'x' -- how the token of a change begins that removes the account
local STALE = 30000000 -- a change of an account that takes longer was given up, in us

local LAST_MOMENT = 253402300799999 -- the last ms of the year 9999

local function arg(n) return ARGV[n + 2] end
local function num(x) return string.format('%.0f', x) end

local state = redis.call('MGET', P .. 'marker', P .. 'era')
local marker, era = state[1], state[2] or '0'
-- The marker names the process that was reconciled with what is kept elsewhere. Another
-- process may have begun with an older state, and a flushed one has none.
local settled = marker and string.sub(marker, 1, #ARGV[1] + 1) == ARGV[1] .. '/'

local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- Whether sessions that signed tokens of such a life name may have been forgotten: a loss that
-- this state came after is not that long ago.
local function forgetful(life)
  local lost = redis.call('GET', P .. 'lost')
  return lost and life > 0 and clock() < tonumber(lost) + life * 1000
end

-- When the last of what is to end was used, as far as is known: what was forgotten may have
-- been used until now, and the caller's clock may be behind.
local function latest_use(known, life)
  if not forgetful(life) then return known end
  return math.max(known, math.floor(clock() / 1000))
end

local function unique() return num(redis.call('INCR', P .. 'births')) end

-- Sessions. A new era leaves everything of the old one unreachable at once; it expires.

local function session_key(id) return P .. 's:' .. era .. ':' .. id end
local function owned_key(subject) return P .. 'u:' .. era .. ':' .. subject end
local function secret_key(digest) return P .. 'c:' .. era .. ':' .. digest end
local function live_key() return P .. 'live:' .. era end
local function ends_key() return P .. 'ends:' .. era end
local function bounds_key() return P .. 'bounds:' .. era end

local SUBJECT, STRATEGY, CREATED, USED, EXPIRES, IDLE, BODY, BORN = 1, 2, 3, 4, 5, 6, 7, 8
local FIELDS = 9 -- apart from the body, which a process of the version before reads as well

local function session(id)
  local row = redis.call('HMGET', session_key(id), 'subject', 'strategy', 'created', 'used',
    'expires', 'idle', 'body', 'born', 'fields')
  if not row[SUBJECT] then return nil end
  for _, at in ipairs({ CREATED, USED, EXPIRES, IDLE }) do
    -- What was changed elsewhere has ended long ago, and keeps nothing from ending.
    local moment = tonumber(row[at] or '')
    if not moment or not (moment >= 0 and moment <= LAST_MOMENT) then row[at] = '0' end
  end
  return row
end

local function latest_of(row) return math.max(tonumber(row[CREATED]), tonumber(row[USED])) end

-- A credential lives as long as the session that it was given to; its own key may outlast it.
local function secret(digest)
  local row = redis.call('HMGET', secret_key(digest), 'kind', 'session', 'born', 'used',
    'successor', 'sealed', 'before', 'issued')
  if not row[1] then return nil end
  local owner = session(row[2])
  if not owner or owner[BORN] ~= row[3] then return nil end
  return row, owner
end

local function taken(digest) return digest ~= '' and secret(digest) ~= nil end

local function add_secret(kind, digest, id, born, now, life)
  if digest == '' then return end
  local key = secret_key(digest)
  redis.call('UNLINK', key)
  redis.call('HSET', key, 'kind', kind, 'session', id, 'born', born, 'issued', now)
  redis.call('PEXPIRE', key, life)
  redis.call('HINCRBY', session_key(id), kind, 1)
end

local function raise_bound(name, value)
  local kept = tonumber(redis.call('HGET', bounds_key(), name) or '0')
  if value > kept then redis.call('HSET', bounds_key(), name, num(value)) end
end

local function use(id, row, now)
  local used = math.max(tonumber(row[USED]), tonumber(now))
  row[USED] = num(used)
  redis.call('HSET', session_key(id), 'used', row[USED])
  local ends = math.min(used + tonumber(row[IDLE]), tonumber(row[EXPIRES]))
  redis.call('ZADD', ends_key(), num(ends), id)
  raise_bound('latest', used)
end

local function remove(id, subject)
  redis.call('UNLINK', session_key(id))
  redis.call('ZREM', owned_key(subject), id)
  redis.call('ZREM', live_key(), id)
  redis.call('ZREM', ends_key(), id)
end

-- Each living session of a subject, as {id, row}.
local function owned(subject)
  local found = {}
  for _, id in ipairs(redis.call('ZRANGE', owned_key(subject), 0, -1)) do
    local row = session(id)
    if row then
      found[#found + 1] = { id, row }
    else
      redis.call('ZREM', owned_key(subject), id)
    end
  end
  return found
end

-- The state of an account. Its home is elsewhere; here is a copy, which is missing while the
-- account changes. Without one the caller must read the home, and the answer counts only if
-- no change has begun or ended since `moment`: g moves with both.

-- Whether an account is changing, whether somebody gave a change up, and whether it goes.
local function changing(subject)
  local marked, abandoned, going = false, false, false
  for _, token in ipairs(redis.call('HKEYS', P .. 'm:' .. subject)) do
    local since = redis.call('ZSCORE', P .. 'marks', token .. '/' .. subject)
    marked = true
    abandoned = abandoned or (since and tonumber(since) + STALE < clock())
    going = going or string.sub(token, 1, #GOING) == GOING
  end
  return marked, abandoned, going
end

local function account(subject, fresh)
  local key = P .. 'a:' .. subject
  if not fresh then
    local copy = redis.call('HMGET', key, 'marker', 'exists', 'disabled', 'roles', 'revision')
    if copy[1] == marker then return { copy[2], copy[3], copy[4], copy[5] } end
  end
  local moved = redis.call('GET', P .. 'g:' .. subject) or ''
  local moment = marker .. '/' .. moved .. '/' .. subject
  local marked, abandoned, going = changing(subject)
  -- From the first step of its removal on nobody acts for an account; the home may have lost it
  -- already, and would say that its subject never had one.
  if going and not (abandoned and arg(1) ~= moment) then return { '1', '1', '[]', '0' } end
  if arg(1) ~= moment then
    return nil, { 'account', subject, moment, abandoned and '1' or '0' }
  end
  local given = { arg(2), arg(3), arg(4), arg(5) }
  if not marked then
    redis.call('HSET', key, 'marker', marker, 'exists', given[1], 'disabled', given[2],
      'roles', given[3], 'revision', given[4])
    redis.call('PEXPIRE', key, COPY)
  end
  return given
end

local function account_moves(subject)
  redis.call('UNLINK', P .. 'a:' .. subject)
  redis.call('SET', P .. 'g:' .. subject, unique(), 'PX', DAY)
end

local function standing(word, id, row, owner)
  return { word, id, row[SUBJECT], row[STRATEGY], row[CREATED], row[USED], row[EXPIRES],
    row[IDLE], row[BODY], row[FIELDS] or '', owner[1], owner[2], owner[3] }
end

-- The log. n:* says for each name in it what the entries say together.

local function note_key(kind, subject) return P .. 'n:' .. kind .. ':' .. subject end

local function before_of(kind, subject)
  return tonumber(redis.call('HGET', note_key(kind, subject), 'before') or '0')
end

local function lifted(row)
  local floor = math.max(before_of('user', row[SUBJECT]), before_of('all', ''))
  row[CREATED] = num(math.max(tonumber(row[CREATED]), floor))
  return row
end

local function append(kind, subject, before, expires)
  local last = tonumber(redis.call('GET', P .. 'seq') or '0')
  local seq = num(math.max(last + 1, clock(), tonumber(ARGV[2]) + 1))
  redis.call('SET', P .. 'seq', seq)
  redis.call('XADD', P .. 'log', seq .. '-0', 'kind', kind, 'subject', subject,
    'before', num(before), 'expires', num(expires))
  redis.call('ZADD', P .. 'over', num(expires), 'l/' .. seq)
  local key = note_key(kind, subject)
  local kept = redis.call('HMGET', key, 'before', 'expires')
  redis.call('HSET', key, 'before', num(math.max(tonumber(kept[1] or '0'), before)),
    'expires', num(math.max(tonumber(kept[2] or '0'), expires)))
  return seq
end

-- Counts one more under a name; its key outlives the window by a day, as other clocks may need.
local function counted(name, window, now)
  local key = P .. 't:' .. name
  local kept = redis.call('HMGET', key, 'count', 'resets')
  local count, resets = tonumber(kept[1] or '0'), tonumber(kept[2] or '0')
  if resets <= now then count, resets = 0, now + window end
  count = count + 1
  redis.call('HSET', key, 'count', num(count), 'resets', num(resets))
  redis.call('PEXPIRE', key, num(window + DAY))
  redis.call('ZADD', P .. 'over', num(resets), 't/' .. name)
  return count, resets
end
