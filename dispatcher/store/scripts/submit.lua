-- Makes a campaign exist, all at once, from recipients uploaded before, or over lists of the
-- account whose contacts are read when it is quoted.
-- ARGV: id, upload ('' over lists), fingerprint, record fields (msgpack, flat), batches,
-- recipients, chunks of dropped rows, starts, step of a schedule (msgpack; '' for none), and for one
-- that sends again: its source, the root of its family, and that family as it was when its people were
-- chosen; when another joined it meanwhile, who may have taken them, the answer is `outdated`.
-- Again with the same fingerprint it answers `known`; with another, `conflict`. An occurrence
-- and its schedule's step happen together or, when the schedule has moved on, not: `stale`.
local id, upload, fingerprint = ARGV[1], ARGV[2], ARGV[3]
local batches, recipients = tonumber(ARGV[5]), tonumber(ARGV[6])
local record, staged = key(K.campaign, id), key(K.upload, upload)

local step = ARGV[9] ~= '' and cmsgpack.unpack(ARGV[9]) or nil

local known = redis.call('HGET', record, 'fingerprint')
if known then
  if step and is_current(step) then advance(step) end
  redis.call('UNLINK', staged)
  return known == fingerprint and 'known' or 'conflict'
end

if step and not is_current(step) then
  redis.call('UNLINK', staged)
  return 'stale'
end
local source, root, family = ARGV[10], ARGV[11], ARGV[12]
if root ~= '' and (redis.call('HGET', key(K.campaign, root), 'family') or '') ~= family then
  redis.call('UNLINK', staged)
  return 'outdated'
end
if is_full() then return 'full' end
if upload ~= '' and redis.call('HLEN', staged) < batches + tonumber(ARGV[7]) then return 'expired' end

redis.call('HSET', record, unpack(cmsgpack.unpack(ARGV[4])))
redis.call('HSET', record, 'state', C.queued, 'hold', '', 'fingerprint', fingerprint,
  'created_at', now, 'changed_at', now, 'batches', 0, 'recipients', 0)
if upload ~= '' then
  fill(id, upload, batches, recipients, ARGV[8])
else
  redis.call('ZADD', key(K.waiting, id), 0, UNREAD)
end
stand(id, C.queued)
redis.call('ZADD', key(K.campaigns), now, id)
redis.call('ZADD', key(K.checks), now + CHECK_EVERY_MS, id)
local latest = number(redis.call('HGET', record, 'latest'))
if latest > 0 then redis.call('ZADD', key(K.deadlines), latest, id) end
look_again(id, now + number(redis.call('HGET', record, 'nudge_after')))
emit(id, 'campaign', '', C.queued)
announce(id, E.campaign, { to = C.queued })
if root ~= '' then
  local resends = redis.call('HGET', key(K.campaign, source), 'resends') or ''
  redis.call('HSET', key(K.campaign, root), 'family', family == '' and id or family .. ' ' .. id)
  redis.call('HSET', key(K.campaign, source), 'resends', resends == '' and id or resends .. ' ' .. id)
  emit(source, 'resend', '', id)
end
if step then advance(step) end
return 'created'
