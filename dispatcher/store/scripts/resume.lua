-- Tries to release a campaign held for credits or credentials. ARGV: id. Replies {its state, batches waiting}.
local id = ARGV[1]
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'hold')
if f[1] == C.held and (f[2] == H.credits or f[2] == H.credentials) then
  if is_quoted(id) then on_quoted(id) else move(id, C.quoting) end
end
return { redis.call('HGET', record, 'state') or 'none', redis.call('ZCARD', key(K.waiting, id)) }
