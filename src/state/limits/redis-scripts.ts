/**
 * What Redis itself runs, so that nothing comes between looking and taking. The keys of both scripts are those of one
 * caller: its buckets (hash), its running requests (sorted set: id by the end of its lease), its day and its month
 * (numbers). The rules are those of `decide.ts` and `token-bucket.ts`.
 */

/** Times are whole milliseconds, so that they are written with all their digits. */
const NOW = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/** Numbers are passed on with all their digits. */
const COMMON = `${NOW}
local function text(number)
  return number and string.format('%.17g', number) or ''
end

-- Level of a bucket now; nil without a limit.
local function level(name, capacity)
  if not capacity then return nil end
  local stored = redis.call('HMGET', KEYS[1], name, name .. ':at')
  if not stored[1] then return capacity end
  local elapsed = math.max(0, now - tonumber(stored[2]))
  return math.min(capacity, tonumber(stored[1]) + elapsed * capacity / 60000)
end

-- Keeps a level until the bucket is full again: no bucket is a full one.
local function keep(name, level, capacity)
  if not level then return end
  redis.call('HSET', KEYS[1], name, text(level), name .. ':at', text(now))
  local full = capacity > 0 and math.ceil((capacity - level) * 60000 / capacity) or 0
  if redis.call('PTTL', KEYS[1]) < full + 1000 then redis.call('PEXPIRE', KEYS[1], full + 1000) end
end
`;

/**
 * ARGV: time or '', id, tokens, lease in ms, then the five limits or '' (requests and tokens per minute, running,
 * day, month), then for day and month what was used before or '', and
 * the seconds each is kept.
 *
 * Answers with what happened and how the limits stand: before, where it was refused, else after. `unread` when what
 * was used of the day or month is not known here.
 */
export const RESERVE_SCRIPT = `${COMMON}
local TOLERANCE = 1e-6
local DAY = 86400000
local tokens = tonumber(ARGV[3])
local lease = tonumber(ARGV[4])
local perMinute = { requests = tonumber(ARGV[5]), tokens = tonumber(ARGV[6]) }
local mostRunning = tonumber(ARGV[7])
local mostUsed = { tonumber(ARGV[8]), tonumber(ARGV[9]) }
local used = {}

for period = 1, 2 do
  if mostUsed[period] then
    local key = KEYS[2 + period]
    local before = redis.call('GET', key)
    if not before then
      before = ARGV[9 + period]
      if before == '' then return { 'unread' } end
      redis.call('SET', key, before, 'EX', ARGV[11 + period])
    end
    used[period] = tonumber(before)
  end
end

local requests = level('requests', perMinute.requests)
local rate = level('tokens', perMinute.tokens)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now - DAY))
local running = redis.call('ZCOUNT', KEYS[2], text(now), '+inf')

local function standing(word)
  return { word, text(requests), text(rate), text(running), text(used[1]), text(used[2]) }
end

local fits = (not requests or 1 <= requests + TOLERANCE)
  and (not rate or tokens <= rate + TOLERANCE)
  and (not mostRunning or running + 1 <= mostRunning)
  and (not mostUsed[1] or used[1] + tokens <= mostUsed[1])
  and (not mostUsed[2] or used[2] + tokens <= mostUsed[2])
if not fits then return standing('refused') end

if requests then requests = requests - 1 end
if rate then rate = rate - tokens end
keep('requests', requests, perMinute.requests)
keep('tokens', rate, perMinute.tokens)
redis.call('ZADD', KEYS[2], text(now + lease), ARGV[2])
redis.call('PEXPIRE', KEYS[2], DAY)
running = running + 1
for period = 1, 2 do
  if used[period] then used[period] = redis.call('INCRBY', KEYS[2 + period], ARGV[3]) end
end
return standing('granted')
`;

/** ARGV: time or '', id, tokens beyond those reserved, tokens per minute or '', then '1' for a limited day and month. */
export const SETTLE_SCRIPT = `${COMMON}
-- Only once for each reservation.
if redis.call('ZREM', KEYS[2], ARGV[2]) == 0 then return 0 end
local more = tonumber(ARGV[3])
local capacity = tonumber(ARGV[4])
if capacity then
  keep('tokens', math.min(capacity, level('tokens', capacity) - more), capacity)
end
for period = 1, 2 do
  local key = KEYS[2 + period]
  -- One that is not known here is read from the ledger when it is next needed, and this with it.
  if ARGV[4 + period] == '1' and redis.call('EXISTS', key) == 1 then redis.call('INCRBY', key, ARGV[3]) end
end
return 1
`;

/** ARGV: time or '', lease in ms, then ids of requests that still run. */
export const RENEW_SCRIPT = `${NOW}
for index = 3, #ARGV do redis.call('ZADD', KEYS[1], 'XX', now + tonumber(ARGV[2]), ARGV[index]) end
redis.call('PEXPIRE', KEYS[1], 86400000)
return 0
`;
