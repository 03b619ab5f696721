-- The last look before a batch is posted: whatever forbade it since the claim is heeded. A batch that
-- goes to lists, or waited for its slot, counts as perhaps sent only from here on. ARGV: id, n, attempt, deadline ms, version
-- of the suppression list that was heeded. Replies `go`, and again to the same attempt while nothing changed, or why not:
-- `over` when the claim is, `forgetting` when somebody in it is to be erased first, `stopped`, the
-- state of its campaign, `fenced` when the server is another one than at the claim, `late` when its time is over, `due` when it is too near to tell the API, or
-- `suppressions` when the list has changed, which is to be looked at once more, `limited` when the API asked
-- for a pause, or `slot` when its slot has passed: it is to get another, see `renew_slot`.
local id, n = ARGV[1], tonumber(ARGV[2])
local batch = key(K.batch, id, n)
local f = redis.call('HMGET', batch, 'state', 'attempt', 'forgetting', 'due_at', 'slot')
if f[1] ~= B.sending or f[2] ~= ARGV[3] then return 'over' end
if f[3] then return 'forgetting' end
if redis.call('HGET', ACCOUNT, 'run_id') ~= string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') then return 'fenced' end
if redis.call('HEXISTS', ACCOUNT, 'stopped_by') == 1 then return 'stopped' end
if is_shut_out(id .. '/' .. n) then return 'too many answers were lost' end
local campaign = redis.call('HMGET', key(K.campaign, id), 'state', 'latest')
if campaign[1] ~= C.sending then return campaign[1] end
local latest, due = number(campaign[2]), number(f[4])
if latest > 0 and now >= latest then return 'late' end
if due > 0 and due <= now + LEAST_DELAY_MS then return 'due' end
if (redis.call('HGET', ACCOUNT, 'suppression_version') or '0') ~= ARGV[5] then return 'suppressions' end
if is_limited() then return 'limited' end
if f[5] and number(f[5]) < now then return 'slot' end
redis.call('HDEL', batch, 'reading')
-- Connecting took its time, and so may the answer.
redis.call('ZADD', key(K.inflight), now + tonumber(ARGV[4]), id .. '/' .. n)
return 'go'
