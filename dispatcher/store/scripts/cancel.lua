-- Cancels a campaign of which nothing has been claimed for sending. ARGV: id.
-- Replies {'cancelled'} or {'too late', state}.
local id = ARGV[1]
local record = key(K.campaign, id)
local state = redis.call('HGET', record, 'state')
if state == C.cancelled then return { 'cancelled' } end
local f = redis.call('HMGET', record, 'batches:' .. B.sending, 'batches:' .. B.unknown, 'batches:' .. B.accepted)
local before_sending = state == C.queued or state == C.quoting or state == C.held
if not before_sending or number(f[1]) + number(f[2]) + number(f[3]) > 0 then return { 'too late', state or 'none' } end

end_ready(id, B.cancelled)
release_ready(id)
redis.call('UNLINK', key(K.waiting, id))
move(id, C.cancelled)
return { 'cancelled' }
