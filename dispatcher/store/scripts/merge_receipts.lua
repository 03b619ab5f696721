-- Merges receipts whose authenticity was checked. A fate is the greatest heard, by (rank, time,
-- code), so order and repetition do not matter; any receipt proves that its batch was sent.
-- ARGV: msgpack of {sequence, fate byte, seconds, ticket, ...} in order of sequence.
-- Replies the sequences that belong to no campaign.
local list = cmsgpack.unpack(ARGV[1])
local strangers, changed, proven = {}, {}, {}
local id, first, last, size, settled

local function find(sequence)
  if id and sequence >= first and sequence < last then return true end
  id = redis.call('ZREVRANGEBYSCORE', key(K.ranges), sequence, '-inf', 'LIMIT', 0, 1)[1]
  if not id then return false end
  local f = redis.call('HMGET', key(K.campaign, id), 'first', 'recipients', 'batch_size')
  first, size = tonumber(f[1]), tonumber(f[3])
  last = first + tonumber(f[2])
  settled = {}
  if sequence >= last then id = nil end
  return id ~= nil
end

-- An exclusion ranks below every receipt: a receipt proves that the message went out.
local function rank_of(byte) return RANKS[byte - RECEIPT_BASE + 1] or 0 end

local function is_greater(byte, at, old_byte, old_at)
  local rank, old_rank = rank_of(byte), rank_of(old_byte)
  if rank ~= old_rank then return rank > old_rank end
  if at ~= old_at then return at > old_at end
  return byte > old_byte
end

local function merge(position, byte, at)
  local fates, times = key(K.fates, id), key(K.times, id)
  local old = string.byte(redis.call('GETRANGE', fates, position, position))
  if old == 0 then
    set_fate(id, math.floor(position / size), position, byte)
  else
    local old_at = struct.unpack('>I4', redis.call('GETRANGE', times, position * 4, position * 4 + 3))
    if not is_greater(byte, at, old, old_at) then return end
    redis.call('SETRANGE', fates, position, string.char(byte))
    redis.call('HINCRBY', key(K.campaign, id), 'f:' .. old, -1)
    redis.call('HINCRBY', key(K.campaign, id), 'f:' .. byte, 1)
  end
  redis.call('SETRANGE', times, position * 4, struct.pack('>I4', at))
  changed[id] = (changed[id] or 0) + 1
end

local function settle(n, ticket)
  if settled[n] == ticket then return true end
  if redis.call('EXISTS', key(K.batch, id, n)) == 0 then return false end
  accept(id, n, ticket, '', 'receipt')
  proven[id] = true
  settled[n] = ticket
  return true
end

for i = 1, #list, 4 do
  local sequence, byte, at, ticket = list[i], list[i + 1], list[i + 2], list[i + 3]
  if find(sequence) and settle(math.floor((sequence - first) / size), ticket) then
    merge(sequence - first, byte, at)
  else
    strangers[#strangers + 1] = sequence
  end
end
for campaign in pairs(proven) do
  local count = changed[campaign]
  if count then
    redis.call('HINCRBY', key(K.campaign, campaign), 'receipts', count)
    emit(campaign, 'receipts', '', count)
  end
  progress(campaign)
end
return strangers
