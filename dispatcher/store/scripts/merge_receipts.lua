-- Merges receipts whose authenticity was checked. A fate is the greatest heard, by (rank, time,
-- code), so order and repetition do not matter; any receipt proves that its batch was sent.
-- ARGV: msgpack of {sequence, fate byte, seconds, ticket, ...} in order of sequence.
-- Replies the sequences that belong to no campaign.
local list = cmsgpack.unpack(ARGV[1])
local strangers, changed, proven = {}, {}, {}
local id, first, last, size, batches, settled

local function find(sequence)
  if id and sequence >= first and sequence < last then return true end
  id = redis.call('ZREVRANGEBYSCORE', key(K.ranges), sequence, '-inf', 'LIMIT', 0, 1)[1]
  if not id then return false end
  local f = redis.call('HMGET', key(K.campaign, id), 'first', 'recipients', 'batch_size', 'batches')
  first, size, batches = tonumber(f[1]), tonumber(f[3]), tonumber(f[4])
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
    set_fate(id, batch_at(id, position, size, batches), position, byte)
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

-- Code 0 says that the API has the batch and has not sent it yet.
local function is_early(byte) return byte == RECEIPT_BASE end

local function settle(n, ticket, byte)
  if settled[n] == ticket then return true end
  if redis.call('EXISTS', key(K.batch, id, n)) == 0 then return false end
  if is_early(byte) and was_given_back(id, n, ticket) then return true end
  accept(id, n, ticket, '', is_early(byte) and 'early receipt' or 'receipt')
  proven[id] = true
  if not is_early(byte) then settled[n] = ticket end
  return true
end

-- Recipients of a batch that has not been sent follow it, whatever was heard of them early.
local function is_to_merge(n, byte)
  return not is_early(byte) or redis.call('HGET', key(K.batch, id, n), 'state') == B.accepted
end

for i = 1, #list, 4 do
  local sequence, byte, at, ticket = list[i], list[i + 1], list[i + 2], list[i + 3]
  local n = find(sequence) and batch_at(id, sequence - first, size, batches)
  if n and settle(n, ticket, byte) then
    if is_to_merge(n, byte) then merge(sequence - first, byte, at) end
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
