-- Records what a check of a campaign found; what it did not find before raises an alarm. One that is
-- over is checked once more when no receipt is awaited any more.
-- ARGV: id, findings (JSON list of texts), batches whose figures the API was asked for, 1 when there
-- are more to be asked for at once, ms that this check took.
local id, findings = ARGV[1], cjson.decode(ARGV[2])
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'findings', 'changed_at', 'receipt_wait')
if not f[1] then return redis.call('ZREM', key(K.checks), id) end
local told = {}
for _, finding in ipairs(f[2] and cjson.decode(f[2]) or {}) do told[finding] = true end
for _, finding in ipairs(findings) do
  if not told[finding] then alarm(id, '', finding) end
end
redis.call('HSET', record, 'findings', ARGV[2], 'api_checked', ARGV[3], 'checked_at', now)
local receipts_end = number(f[3]) + number(f[4])
if ARGV[4] == '1' then
  redis.call('ZADD', key(K.checks), 'XX', now, id)
elseif TERMINAL[f[1]] and now >= receipts_end then
  redis.call('ZREM', key(K.checks), id)
elseif TERMINAL[f[1]] then
  redis.call('ZADD', key(K.checks), 'XX', receipts_end, id)
end
redis.call('HSET', ACCOUNT, 'checks_from', now + CHECK_REST * tonumber(ARGV[5]))
return 1
