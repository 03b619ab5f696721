-- Cancels a campaign: what was not claimed stays here, what the API has for later is taken back,
-- and what is on its way is taken back when its ticket comes, if it was for later. ARGV: id.
-- Replies {campaign state, 1 when it is cancelled as far as that was possible}.
local id = ARGV[1]
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'cancel')
local state = f[1]
if f[2] then return { state, 1 } end
if not state or TERMINAL[state] or state == C.sent then return { state or 'none', 0 } end

redis.call('HSET', record, 'cancel', 1)
emit(id, 'cancel', state, '')
withdraw_scheduled(id)
local is_settled = stop_ready(id, B.cancelled)
if state == C.queued or state == C.quoting then
  move(id, C.cancelled)
elseif is_settled then
  conclude(id)
  progress(id)
else
  move(id, C.cancelling)
end
return { redis.call('HGET', record, 'state'), 1 }
