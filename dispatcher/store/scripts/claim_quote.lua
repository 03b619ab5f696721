-- Takes the next batch to simulate. Simulating twice is harmless, so a lease is enough.
-- ARGV: id, lease ms. Replies {what}, {'unread', message, lists, failures so far, render,
-- replaces, skips bad rows} when the contacts of the account's lists are to be read first, or
-- {'claimed', n, packed recipients, message, lists, spent, fates, failures so far, progress of the
-- upload to a list, what names such lists, version of the suppression list that was heeded, and now}.
local id, lease = ARGV[1], tonumber(ARGV[2])
local record = key(K.campaign, id)
local f = redis.call('HMGET', record, 'state', 'message', 'lists', 'nudge_after', 'tries', 'list_prefix', 'heeded')
if f[1] ~= C.queued and f[1] ~= C.quoting then return { f[1] or 'none' } end
if redis.call('HGET', ACCOUNT, 'parked') == H.credentials then
  if f[1] == C.queued then move(id, C.quoting) end
  hold(id, H.credentials)
  return { C.held }
end
if f[1] == C.queued then move(id, C.quoting) end

local waiting = key(K.waiting, id)
local next_up = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
if not next_up[1] then return { 'idle' } end
if tonumber(next_up[2]) > now then
  look_again(id, math.min(tonumber(next_up[2]), now + number(f[4])))
  return { 'idle' }
end
if is_limited() then
  look_again(id, number(redis.call('HGET', ACCOUNT, 'limited_until')))
  return { 'paced' }
end
local n = tonumber(next_up[1])
redis.call('ZADD', waiting, now + lease, n)
look_again(id, now + number(f[4]))
local message, lists, tries = f[2], f[3] or '[]', f[5] or '0'
if n == UNREAD then
  local how = redis.call('HMGET', record, 'render', 'replaces', 'skips_bad_rows')
  return { 'unread', message, lists, tries, how[1], how[2], how[3] }
end
return { 'claimed', n, redis.call('HGET', key(K.recipients, id), n), message, lists,
  redis.call('HGET', ACCOUNT, 'spent') or '0', fates_of(id, n), tries,
  redis.call('HGET', key(K.lists, id), n) or '', f[6] or '', f[7] or '0',
  redis.call('HGET', ACCOUNT, 'suppression_version') or '0' }
