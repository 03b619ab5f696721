-- Takes the balance GET /credits told, which also proves the credentials.
-- ARGV: credits, spent before asking. Replies the held campaigns, longest held first.
observe(ARGV[1], ARGV[2])
redis.call('HDEL', ACCOUNT, 'parked')
local held = redis.call('ZRANGE', key(K.held), 0, -1)
for _, id in ipairs(held) do
  local record = key(K.campaign, id)
  if redis.call('HGET', record, 'hold') == H.credits then redis.call('HSET', record, 'have', available()) end
end
return held
