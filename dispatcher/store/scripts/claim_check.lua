-- Takes the campaign whose check is due longest, unless the last one was just now. Others take the
-- next meanwhile. Replies {} or {id, batches whose figures the API was asked for, 1 when the campaign
-- is over and no receipt is awaited any more}.
if now < number(redis.call('HGET', ACCOUNT, 'checks_from')) then return {} end
local id = redis.call('ZRANGEBYSCORE', key(K.checks), '-inf', now, 'LIMIT', 0, 1)[1]
if not id then return {} end
redis.call('ZADD', key(K.checks), now + CHECK_EVERY_MS, id)
local f = redis.call('HMGET', key(K.campaign, id), 'api_checked', 'state', 'changed_at', 'receipt_wait')
local is_done = TERMINAL[f[2]] and now >= number(f[3]) + number(f[4])
return { id, number(f[1]), is_done and 1 or 0 }
