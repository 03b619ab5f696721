-- Takes the next entry of a producer's outbox to deliver; one at a time. Entries of one campaign wait in
-- its lane, each until the one before is delivered or given up; what another campaign is told does
-- not wait for them. ARGV: producer, token, lease ms, endpoint, kinds (msgpack), lane of replays.
-- The same token gets the same entry again. Replies {what} or {'taken', lane, sequence, attempt, fields, born}.
local producer, token, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local kinds, replays = cmsgpack.unpack(ARGV[5]), ARGV[6]
local record, lanes, outbox = key(K.producer, producer), key(K.lanes, producer), key(K.outbox, producer)
local f = redis.call('HMGET', record, 'lease', 'leased_until', 'lane', 'next_at', 'cursor', 'gone', 'born')

-- Heads of the lane of replays are dead letters; all others are numbers in the outbox.
local function head_of(lane)
  local head = redis.call('LINDEX', key(K.lane, producer, lane), 0)
  if lane == replays then return redis.call('XRANGE', key(K.dead, producer), head, head)[1] end
  return redis.call('XRANGE', outbox, head .. '-0', head .. '-0')[1]
end

local function taken(lane, entry)
  local sequence = lane == replays and field_of(entry, 'sequence') or sequence_of(entry)
  return { 'taken', lane, string.format('%.0f', sequence), redis.call('HGET', record, 'attempts ' .. lane),
    entry[2], f[7] or '' }
end

local function take(lane, entry)
  redis.call('HSET', record, 'lease', token, 'leased_until', now + lease, 'lane', lane)
  redis.call('ZADD', lanes, now + lease, lane)
  redis.call('HINCRBY', record, 'attempts ' .. lane, 1)
  return taken(lane, entry)
end

if f[1] == token then
  local entry = head_of(f[3])
  return entry and taken(f[3], entry) or { 'none' }
end
if f[6] == ARGV[4] then return { 'gone' } end
if number(f[2]) > now then return { 'busy' } end
if number(f[4]) > now then return { 'waiting' } end

for _ = 1, 100 do
  local lane = redis.call('ZRANGEBYSCORE', lanes, '-inf', now, 'LIMIT', 0, 1)[1]
  if not lane then break end
  local entry = head_of(lane)
  if entry then return take(lane, entry) end
  -- It waited longer than the outbox keeps anything.
  redis.call('HINCRBY', record, 'lost', 1)
  leave_lane(producer, lane)
end

local cursor = tonumber(f[5])
local entries = redis.call('XRANGE', outbox, string.format('%.0f-0', (cursor or 0) + 1), '+', 'COUNT', 100)
for _, entry in ipairs(entries) do
  local sequence = sequence_of(entry)
  if cursor and sequence > cursor + 1 then redis.call('HINCRBY', record, 'lost', sequence - cursor - 1) end
  cursor = sequence
  local campaign, number_text = field_of(entry, 'campaign'), string.format('%.0f', sequence)
  local lane = campaign == '' and '-' or campaign
  if #kinds == 0 or contains(kinds, field_of(entry, 'kind')) then
    if redis.call('RPUSH', key(K.lane, producer, lane), number_text) == 1 then
      redis.call('HSET', record, 'cursor', number_text)
      return take(lane, entry)
    end
  end
end
if cursor then redis.call('HSET', record, 'cursor', string.format('%.0f', cursor)) end
return { #entries == 100 and 'more' or 'none' }
