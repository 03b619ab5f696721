-- Gives a claimed batch that missed its slot another one; the old one is free for others. Once the budget
-- was taken away, any moment will do. ARGV: id, n, attempt, ms more than usual there is to do before it.
-- Replies {ms of its slot, or 0 when the claim is over, ms of now}.
local id, n, attempt = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local batch = key(K.batch, id, n)
local f = redis.call('HMGET', batch, 'state', 'attempt', 'slot', 'weight')
local slot = number(f[3])
if f[1] ~= B.sending or f[2] ~= attempt then slot = 0 end
local early = early_of(tonumber(ARGV[4]))
local rate = number(redis.call('HGET', ACCOUNT, 'rate'))
if slot > 0 and slot < now then
  local name = slot_name(id, n, attempt, number(f[4]))
  redis.call('ZREM', key(K.slots), name)
  slot = now + SLOT_NEAREST_MS + early
  if rate > 0 then slot = math.ceil(room_for(number(f[4]), current_rate(rate), slot)) end
  redis.call('ZADD', key(K.slots), slot, name)
  redis.call('HSET', batch, 'slot', slot)
  redis.call('ZADD', key(K.inflight), 'GT', slot + SLOT_LEASE_MS, id .. '/' .. n)
end
return { string.format('%.0f', slot), string.format('%.0f', now) }
