-- Names the producers of whom something is to be delivered now. ARGV: producer, endpoint, and so on.
local due = {}
for i = 1, #ARGV, 2 do
  local producer = ARGV[i]
  local f = redis.call('HMGET', key(K.producer, producer), 'sequence', 'cursor', 'next_at', 'leased_until', 'gone')
  local is_free = number(f[3]) <= now and number(f[4]) <= now and f[5] ~= ARGV[i + 1]
  if is_free and (number(f[2]) < number(f[1])
    or redis.call('ZCOUNT', key(K.lanes, producer), '-inf', now) > 0) then
    due[#due + 1] = producer
  end
end
return due
