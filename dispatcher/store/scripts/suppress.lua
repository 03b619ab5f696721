-- Puts people on the suppression list. It needs nothing of what scripts share, so whoever holds a
-- connection may run it as it is. ARGV: source, reason, who, when in ms, `unless lifted` to leave out
-- those whom somebody took off on purpose ('' for all), digests of 16 bytes each in one, their numbers
-- (msgpack). Replies {how many are new, version of the list}. Those on it stay as they are.
local prefix = string.sub(KEYS[1], 1, -string.len('account') - 1)
local list, lifted = prefix .. 'suppressions', prefix .. 'lifted'
local new = {}

local function is_left_out(digest)
  if redis.call('HEXISTS', list, digest) == 1 then return true end
  local lift = ARGV[5] ~= '' and redis.call('HGET', lifted, digest)
  return lift and cmsgpack.unpack(lift)[4] == 1
end

for i, number in ipairs(cmsgpack.unpack(ARGV[7])) do
  local digest = string.sub(ARGV[6], i * 16 - 15, i * 16)
  if not is_left_out(digest) then
    local record = { number, tonumber(ARGV[4]), ARGV[1], ARGV[2], ARGV[3] }
    redis.call('HSET', list, digest, cmsgpack.pack(record))
    redis.call('HDEL', lifted, digest)
    new[#new + 1] = digest
  end
end
if #new == 0 then return { 0, tonumber(redis.call('HGET', KEYS[1], 'suppression_version') or 0) } end
local version = redis.call('HINCRBY', KEYS[1], 'suppression_version', 1)
redis.call('XADD', prefix .. 'suppression_log', 'MAXLEN', '~', 2000, string.format('%.0f-0', version),
  'what', 'add', 'digests', table.concat(new), 'source', ARGV[1], 'reason', ARGV[2], 'by', ARGV[3], 'at', ARGV[4])
return { #new, version }
