-- Takes the next batch to simulate. Simulating twice is harmless, so a lease is enough.
-- ARGV: id, lease ms. Replies {what} or
-- {'claimed', n, packed recipients, message, spent, fates, failures so far}.
local id, lease = ARGV[1], tonumber(ARGV[2])
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'message', 'batch_size', 'nudge_after', 'recipients')
if f[1] ~= C.queued and f[1] ~= C.quoting then return { f[1] or 'none' } end
if redis.call('HGET', ACCOUNT, 'parked') == H.credentials then
  if f[1] == C.queued then move(id, C.quoting) end
  hold(id, H.credentials)
  return { C.held }
end
if f[1] == C.queued then move(id, C.quoting) end

local waiting = key(K.waiting, id)
local next_up = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
if not next_up[1] then return { 'idle' } end
if tonumber(next_up[2]) > now then
  look_again(id, math.min(tonumber(next_up[2]), now + number(f[4])))
  return { 'idle' }
end
local n = tonumber(next_up[1])
redis.call('ZADD', waiting, now + lease, n)
look_again(id, now + number(f[4]))
local first = n * tonumber(f[3])
return { 'claimed', n, redis.call('HGET', key(K.recipients, id), n), f[2],
  redis.call('HGET', ACCOUNT, 'spent') or '0',
  redis.call('GETRANGE', key(K.fates, id), first, math.min(first + tonumber(f[3]), tonumber(f[5])) - 1),
  redis.call('HGET', record, 'tries') or '0' }
