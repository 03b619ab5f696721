-- Makes a campaign exist, all at once, from recipients uploaded before.
-- ARGV: id, upload, fingerprint, record fields (msgpack, flat), batches, recipients, chunks of
-- dropped rows.
-- Again with the same fingerprint it answers `known`; with another, `conflict`.
local id, upload, fingerprint = ARGV[1], ARGV[2], ARGV[3]
local batches, recipients = tonumber(ARGV[5]), tonumber(ARGV[6])
local record, staged = key(K.campaign, id), key(K.upload, upload)

local known = redis.call('HGET', record, 'fingerprint')
if known then
  redis.call('UNLINK', staged)
  return known == fingerprint and 'known' or 'conflict'
end

local memory = redis.call('INFO', 'memory')
local limit = tonumber(string.match(memory, 'maxmemory:(%d+)'))
if limit > 0 and tonumber(string.match(memory, 'used_memory:(%d+)')) > limit * FULL_AT then return 'full' end
if redis.call('HLEN', staged) < batches + tonumber(ARGV[7]) then return 'expired' end

redis.call('RENAME', staged, key(K.recipients, id))
redis.call('PERSIST', key(K.recipients, id))
local first = account_add('sequence', recipients) - recipients
redis.call('ZADD', key(K.ranges), first, id)
redis.call('SETRANGE', key(K.fates, id), recipients - 1, '\0')
redis.call('SETRANGE', key(K.times, id), recipients * 4 - 1, '\0')
for n = 0, batches - 1 do redis.call('ZADD', key(K.waiting, id), 0, n) end
redis.call('HSET', record, unpack(cmsgpack.unpack(ARGV[4])))
redis.call('HSET', record, 'state', C.queued, 'hold', '', 'fingerprint', fingerprint, 'first', first,
  'created_at', now, 'changed_at', now, 'batches', batches, 'recipients', recipients,
  'batches:' .. B.ready, batches, 'b:' .. B.ready, recipients)
redis.call('ZADD', key(K.campaigns), now, id)
look_again(id, now + number(redis.call('HGET', record, 'nudge_after')))
emit(id, 'campaign', '', C.queued)
return 'created'
