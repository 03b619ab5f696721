-- Makes a schedule exist, or takes an edit of it.
-- ARGV: step (msgpack; version '' for a new one), fingerprint, upload ('' for no new audience),
-- entries of the upload, 1 to keep the audience it has.
-- Again with the same fingerprint it answers `known`. Otherwise one that exists is a `conflict`
-- when it is to be made, and `stale` when it has moved on since the edit was decided; the upload
-- is kept then. An edit of one that was deleted is a `conflict`.
local step, fingerprint, upload = cmsgpack.unpack(ARGV[1]), ARGV[2], ARGV[3]
local record, audience = key(K.schedule, step.id), key(K.audience, step.id)
local known = redis.call('HMGET', record, 'version', 'fingerprint')
if (known[1] or '') ~= step.version then
  local is_known = known[2] == fingerprint
  if not is_known and known[1] and step.version ~= '' then return 'stale' end
  redis.call('UNLINK', key(K.upload, upload))
  return is_known and 'known' or 'conflict'
end
if is_full() then return 'full' end
if upload ~= '' and redis.call('HLEN', key(K.upload, upload)) < tonumber(ARGV[4]) then return 'expired' end

if upload ~= '' then
  redis.call('RENAME', key(K.upload, upload), audience)
  redis.call('PERSIST', audience)
elseif ARGV[5] ~= '1' then
  redis.call('UNLINK', audience)
end
if step.version == '' then
  -- Above every version of a schedule that had this id before and was deleted.
  redis.call('HSET', record, 'version', now, 'created_at', now)
  redis.call('ZADD', key(K.schedules), now, step.id)
end
redis.call('HSET', record, 'fingerprint', fingerprint)
advance(step)
return 'done'
