-- Shared by every script. KEYS[1] is the account's hash; all other keys share its slot.
local P = string.sub(KEYS[1], 1, -string.len(K.account) - 1)
local ACCOUNT = KEYS[1]

local now = now_ms()

local function key(family, id, n)
  if n then return P .. family .. id .. ':' .. n end
  return P .. family .. (id or '')
end

-- Negates without making -0, which Redis 7 writes as "-0" and then does not take for a number.
local function minus(amount) return 0 - amount end

local function number(value) return tonumber(value) or 0 end

local function emit(id, what, from, to, detail)
  redis.call('XADD', key(K.events, id), 'MAXLEN', '~', 20000, '*',
    'at', now, 'what', what, 'from', from, 'to', to, 'detail', detail or '')
end

-- Tells a producer something: one more entry of its stream, numbered without gaps. `data` is a
-- table, or JSON; `receipts` are packed ones, if it is about some.
local function tell(producer, kind, campaign, data, receipts)
  local record = key(K.producer, producer)
  local sequence = redis.call('HINCRBY', record, 'sequence', 1)
  if sequence == 1 then
    redis.call('HSET', record, 'born', now)
    redis.call('ZADD', key(K.outbox_looks), now, producer)
  end
  local fields = { 'kind', kind, 'at', now, 'campaign', campaign,
    'data', type(data) == 'table' and cjson.encode(data) or data }
  if receipts then
    fields[9], fields[10] = 'receipts', receipts
  end
  redis.call('XADD', key(K.outbox, producer), 'MAXLEN', '~', OUTBOX_MAX,
    string.format('%.0f-0', sequence), unpack(fields))
end

-- Tells the producer of a campaign.
local function announce(id, kind, data, receipts)
  tell(redis.call('HGET', key(K.campaign, id), 'producer') or DEFAULT_PRODUCER, kind, id, data, receipts)
end

local function alarm(id, n, what)
  redis.call('XADD', key(K.alarms), 'MAXLEN', '~', 10000, '*', 'at', now, 'campaign', id, 'batch', n, 'what', what)
  if redis.call('EXISTS', key(K.campaign, id)) == 0 then return end
  redis.call('HINCRBY', key(K.campaign, id), 'alarms', 1)
  emit(id, 'alarm', n, '', what)
end

-- A campaign's recipients stand in one row. Batches of one size begin at its multiples, those
-- of differing sizes (`size` 0) where `starts` says.
local function first_of(id, n, size)
  if size > 0 then return n * size end
  return (struct.unpack('>I4', redis.call('GETRANGE', key(K.starts, id), n * 4, n * 4 + 3)))
end

-- Gives the positions of a batch's first and last recipient.
local function span(id, n)
  local f = redis.call('HMGET', key(K.campaign, id), 'batch_size', 'batches', 'recipients')
  local size, last = tonumber(f[1]), tonumber(f[3]) - 1
  if n + 1 < tonumber(f[2]) then last = first_of(id, n + 1, size) - 1 end
  return first_of(id, n, size), last
end

local function batch_at(id, position, size, batches)
  if size > 0 then return math.floor(position / size) end
  local low, high = 0, batches - 1
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if first_of(id, middle, size) <= position then low = middle else high = middle - 1 end
  end
  return low
end

local function fates_of(id, n)
  local first, last = span(id, n)
  return redis.call('GETRANGE', key(K.fates, id), first, last)
end

local function look_again(id, at) redis.call('ZADD', key(K.agenda), at, id) end
