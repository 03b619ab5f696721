-- Erases people from a batch. Whom it was to be sent to is not sent to; what was sent keeps its fate.
-- ARGV: id, n, SHA-1 of the recipients as they were read, the recipients without these people,
-- places (msgpack).
-- Replies `erased`; `later` when the batch is on its way, and they are erased once it is
-- settled; `changed` when the batch is no longer as it was read.
local id, n = ARGV[1], tonumber(ARGV[2])
local record, recipients, batch = key(K.campaign, id), key(K.recipients, id), key(K.batch, id, n)
local packed = redis.call('HGET', recipients, n)
if not packed or redis.sha1hex(packed) ~= ARGV[3] then return 'changed' end
local places, name = cmsgpack.unpack(ARGV[5]), id .. '/' .. n
local f = redis.call('HMGET', batch, 'state', 'due_at', 'forgetting')
local state = f[1]

-- Takes a batch back that the API has for later, and lets it be sent again without them.
local function recall(due)
  if due - now <= LEAST_DELAY_MS + WITHDRAWAL_MARGIN_MS then return end
  move_batch(id, n, B.withdrawing)
  local stands = redis.call('HMGET', record, 'state', 'hold')
  if stands[1] == C.scheduled then
    hold(id, H.time)
    reserve(id)
  elseif stands[2] == H.outcome_unknown then
    go_on(id)
  end
end

local function put_off()
  local asked = f[3] or ' '
  for _, place in ipairs(places) do
    if not string.find(asked, ' ' .. place .. ' ', 1, true) then asked = asked .. place .. ' ' end
  end
  redis.call('HSET', batch, 'forgetting', asked)
  redis.call('ZADD', key(K.erasures), 'NX', now, name)
end

local function no_longer_asked()
  if not f[3] then return end
  local asked = f[3]
  for _, place in ipairs(places) do asked = string.gsub(asked, ' ' .. place .. ' ', ' ') end
  if string.find(asked, '%d') then return redis.call('HSET', batch, 'forgetting', asked) end
  redis.call('HDEL', batch, 'forgetting')
  redis.call('ZREM', key(K.erasures), name)
end

-- A batch without a quote has no record of its own yet.
local function leave_out(position)
  if redis.call('GETRANGE', key(K.fates, id), position, position) ~= '\0' then return end
  if state then
    redis.call('HSET', batch, 'is_cut', 1)
    return set_fate(id, n, position, FORGOTTEN)
  end
  redis.call('SETRANGE', key(K.fates, id), position, string.char(FORGOTTEN))
  redis.call('HINCRBY', record, 'b:' .. B.ready, -1)
  redis.call('HINCRBY', record, 'f:' .. FORGOTTEN, 1)
end

if state == B.scheduled then recall(number(f[2])) end
if state == B.sending or state == B.scheduled or state == B.withdrawing then
  put_off()
  return 'later'
end
redis.call('HSET', recipients, n, ARGV[4])
no_longer_asked()
if state == B.unknown then
  local known = redis.call('HGET', batch, 'forgotten') or ' '
  redis.call('HSET', batch, 'forgotten', known .. table.concat(places, ' ') .. ' ')
elseif state == B.ready or (not state and not TERMINAL[redis.call('HGET', record, 'state')]) then
  local first = span(id, n)
  for _, place in ipairs(places) do leave_out(first + place) end
  local left = redis.call('HMGET', batch, 'left', 'quote')
  if left[1] == '0' then drop_ready(id, n, number(left[2]), B.empty, 'nobody is left') end
  progress(id)
end
return 'erased'
