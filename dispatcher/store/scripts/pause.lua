-- Pauses a campaign: nothing more of it is claimed, and what the API has for later is taken back
-- until it is resumed. ARGV: id. Replies {campaign state, hold}.
local id = ARGV[1]
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'hold')
local state = f[1]
if state == C.queued then
  move(id, C.quoting)
  state = C.quoting
end
if state == C.quoting or state == C.sending or state == C.scheduled or state == C.held then
  hold(id, H.paused)
  redis.call('ZREM', key(K.held), id)
  redis.call('ZREM', key(K.alarm_clock), id)
  withdraw_scheduled(id)
end
return redis.call('HMGET', record, 'state', 'hold')
