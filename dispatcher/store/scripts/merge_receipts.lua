-- Merges receipts whose authenticity was checked. A fate is the greatest heard, by (rank, time,
-- code), so order and repetition do not matter; any receipt proves that its batch was sent. Those of
-- a campaign whose recipients were erased are counted and change nothing.
-- ARGV: msgpack of {sequence, fate byte, seconds, ticket, ...} in order of sequence.
-- Replies the sequences that belong to no campaign.
local list = cmsgpack.unpack(ARGV[1])
local strangers, changed, proven = {}, {}, {}
-- Places in the list of what was not heard before.
local audible = {}
local id, first, last, size, batches, settled, is_erased
-- What changed of the campaign at hand: place, code and time of one receipt after the other.
local news

local function find(sequence)
  if id and sequence >= first and sequence < last then return true end
  id = redis.call('ZREVRANGEBYSCORE', key(K.ranges), sequence, '-inf', 'LIMIT', 0, 1)[1]
  if not id then return false end
  local f = redis.call('HMGET', key(K.campaign, id), 'first', 'recipients', 'batch_size', 'batches', 'erased_at')
  first, size, batches = tonumber(f[1]), tonumber(f[3]), tonumber(f[4])
  last = first + tonumber(f[2])
  settled, is_erased = {}, f[5]
  news = changed[id] or {}
  changed[id] = news
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

-- Code 0 says that the API has the batch and has not sent it yet.
local function is_early(byte) return byte == RECEIPT_BASE end

-- Recipients less than so far apart are read and written together, up to so many.
local NEAR, MOST = 32, 1000

-- Gives the place in the list of the last receipt that is merged together with the one at `i`:
-- of the same batch and ticket, and about neighbours.
local function last_of_group(i, n, ticket)
  local from, near = list[i] - first, list[i] - first
  local _, batch_last = span(id, n)
  for j = i + 4, #list, 4 do
    local position = list[j] - first
    if position > batch_last or position - near > NEAR or position - from >= MOST or list[j + 3] ~= ticket
      or is_early(list[j + 1]) then return j - 4, near end
    near = position
  end
  return #list - 3, near
end

-- Confirms what was guessed once receipts tell that all its people were sent to.
local function confirm_by_receipts(id, n)
  if redis.call('HEXISTS', key(K.batch, id, n), 'guessed') == 0 then return end
  local fates = fates_of(id, n)
  for place = 1, #fates do
    if not CHARGED[string.byte(fates, place)] then return end
  end
  confirm_cost(id, n)
end

local function count_fates(n, counts, fresh)
  local record, batch = key(K.campaign, id), key(K.batch, id, n)
  for byte, count in pairs(counts) do
    if count ~= 0 then redis.call('HINCRBY', record, 'f:' .. byte, count) end
  end
  if fresh > 0 then
    redis.call('HINCRBY', record, 'b:' .. (redis.call('HGET', batch, 'state') or B.ready), minus(fresh))
    if redis.call('HINCRBY', batch, 'left', minus(fresh)) == 0 then confirm_by_receipts(id, n) end
  end
end

local function write_times(from, many, times, heard)
  local parts = {}
  for offset = 1, many do
    local at = heard[offset]
    parts[offset] = at and struct.pack('>I4', at) or string.sub(times, offset * 4 - 3, offset * 4)
  end
  redis.call('SETRANGE', key(K.times, id), from * 4, table.concat(parts))
end

-- Merges the receipts from place `i` to `last`, which are about recipients up to `to`.
local function merge(i, last, to, n)
  local from = list[i] - first
  local fates = { string.byte(redis.call('GETRANGE', key(K.fates, id), from, to), 1, -1) }
  local times = redis.call('GETRANGE', key(K.times, id), from * 4, to * 4 + 3)
  times = times .. string.rep('\0', #fates * 4 - #times)
  local heard, counts, fresh, count, told = {}, {}, 0, #news, #news
  for j = i, last, 4 do
    local offset, byte, at = list[j] - first - from + 1, list[j + 1], list[j + 2]
    local old = fates[offset]
    local old_at = heard[offset] or struct.unpack('>I4', times, offset * 4 - 3)
    if old == 0 or is_greater(byte, at, old, old_at) then
      if old == 0 then fresh = fresh + 1 else counts[old] = (counts[old] or 0) - 1 end
      counts[byte] = (counts[byte] or 0) + 1
      fates[offset], heard[offset] = byte, at
      news[count + 1], news[count + 2], news[count + 3] = from + offset - 1, byte - RECEIPT_BASE, at
      count = count + 3
      audible[#audible + 1] = j
    elseif byte ~= old or at ~= old_at then
      audible[#audible + 1] = j
    end
  end
  if count == told then return end
  redis.call('SETRANGE', key(K.fates, id), from, string.char(unpack(fates)))
  write_times(from, #fates, times, heard)
  count_fates(n, counts, fresh)
end

-- Tells the producer what changed, some at a time.
local function announce_receipts(campaign, all)
  for from = 1, #all, 3 * RECEIPTS_TOLD_AT_ONCE do
    local to = math.min(from + 3 * RECEIPTS_TOLD_AT_ONCE - 1, #all)
    local count = (to - from + 1) / 3
    local packed = struct.pack('>' .. string.rep('I4BI4', count), unpack(all, from, to))
    announce(campaign, E.receipts, { count = count }, packed)
  end
end

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

-- Keeps what was heard, for whoever asks how it came about; a full server has none to spare for it.
local function keep_heard()
  if #audible == 0 or is_full() then return end
  local kept = ARGV[1]
  if #audible * 4 < #list then
    local some = {}
    for _, i in ipairs(audible) do
      for j = i, i + 3 do some[#some + 1] = list[j] end
    end
    kept = cmsgpack.pack(some)
  end
  local heard = key(K.heard)
  redis.call('XADD', heard, '*', 'at', now, 'low', list[audible[1]], 'high', list[audible[#audible]],
    'count', #audible, 'receipts', kept)
  local excess = account_add('heard', #audible) - HEARD_KEPT
  while excess > 0 do
    if redis.call('XLEN', heard) == 1 then
      redis.call('HSET', ACCOUNT, 'heard', #audible)
      break
    end
    local oldest = redis.call('XRANGE', heard, '-', '+', 'COUNT', 1)[1]
    redis.call('XDEL', heard, oldest[1])
    local fields = oldest[2]
    for i = 1, #fields, 2 do
      if fields[i] == 'count' then excess = account_add('heard', minus(number(fields[i + 1]))) - HEARD_KEPT end
    end
  end
end

local i = 1
while i <= #list do
  local sequence, byte, ticket, last, to = list[i], list[i + 1], list[i + 3], i
  local is_ours = find(sequence)
  local n = is_ours and not is_erased and batch_at(id, sequence - first, size, batches)
  if is_ours and is_erased then
    redis.call('HINCRBY', key(K.campaign, id), 'late_receipts', 1)
  elseif n and settle(n, ticket, byte) then
    to = sequence - first
    if not is_early(byte) then last, to = last_of_group(i, n, ticket) end
    if is_to_merge(n, byte) then
      merge(i, last, to, n)
    else
      audible[#audible + 1] = i
    end
  else
    strangers[#strangers + 1] = sequence
  end
  i = last + 4
end
keep_heard()
for campaign in pairs(proven) do
  local count = #changed[campaign] / 3
  if count > 0 then
    redis.call('HINCRBY', key(K.campaign, campaign), 'receipts', count)
    emit(campaign, 'receipts', '', count)
    announce_receipts(campaign, changed[campaign])
  end
  progress(campaign)
end
return strangers
