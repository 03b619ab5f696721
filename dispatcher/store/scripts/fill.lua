-- Gives a campaign over lists of the account the contacts they hold now.
-- ARGV: id, upload, batches, recipients, chunks of dropped rows, starts, record fields (msgpack,
-- flat), `given` when the API merges these lists itself. Replies {campaign state, batches waiting}.
local id, upload = ARGV[1], ARGV[2]
local batches, recipients = tonumber(ARGV[3]), tonumber(ARGV[4])
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'first')
if f[1] ~= C.quoting or f[2] then
  redis.call('UNLINK', key(K.upload, upload))
  return { f[1] or 'none', redis.call('ZCARD', key(K.waiting, id)) }
end
-- An upload that expired was lost to a long pause; the lists are read again.
if redis.call('HLEN', key(K.upload, upload)) < batches + tonumber(ARGV[5]) then return { f[1], 1 } end

redis.call('ZREM', key(K.waiting, id), UNREAD)
redis.call('HSET', record, unpack(cmsgpack.unpack(ARGV[7])))
redis.call('HDEL', record, 'tries')
fill(id, upload, batches, recipients, ARGV[6])
if ARGV[8] ~= '' then redis.call('HSET', key(K.lists, id), 0, ARGV[8]) end
emit(id, 'contacts', '', recipients)
return { C.quoting, batches }
