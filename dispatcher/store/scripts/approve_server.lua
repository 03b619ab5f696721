-- Lets sends begin again after a restart or failover of Redis changed its run id.
-- ARGV: quiet ms, during which nothing of the time before may still be in flight.
-- Replies the ms left to wait; 0 when the server is approved.
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local f = redis.call('HMGET', ACCOUNT, 'run_id', 'fenced_run_id', 'fenced_at')
if f[1] == run_id then return 0 end
if f[2] ~= run_id then
  redis.call('HSET', ACCOUNT, 'fenced_run_id', run_id, 'fenced_at', now)
  f[3] = now
end
local left = f[1] and tonumber(f[3]) + tonumber(ARGV[1]) - now or 0
if left > 0 then return left end
redis.call('HSET', ACCOUNT, 'run_id', run_id)
-- A server that forgot changes of the suppression list counts up to the same versions again.
if f[1] then redis.call('HINCRBY', ACCOUNT, 'suppression_version', VERSIONS_SKIPPED) end
return 0
