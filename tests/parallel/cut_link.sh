#!/bin/bash
# cut_link.sh MPIRUN PROGRAM ENVIRONMENT: ranks on two hosts that are network namespaces; the link between them is cut while they
# exchange, and the job must end within 30 s with an error. Private addresses only; exits 77 (skipped) where namespaces cannot be made.
set -u
mpirun=$1 program=$2 environment=$3
prefix=iso$$ folder=$(mktemp -d)
job=

clean() {
  [ -n "$job" ] && kill -9 "$job" 2>/dev/null
  for host in a b hub; do
    for pid in $(ip netns pids "$prefix$host" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
    ip netns delete "$prefix$host" 2>/dev/null
  done
  rm -rf "$folder"
}
trap clean EXIT

skip() { echo "skipped: $1"; exit 77; }
command -v ip >/dev/null || skip "there is no ip command (package iproute2)"
for host in hub a b; do
  ip netns add "$prefix$host" 2>"$folder/why" || skip "network namespaces cannot be made here: $(cat "$folder/why")"
  ip -n "$prefix$host" link set lo up
done
ip -n "${prefix}hub" link add bridge type bridge 2>"$folder/why" || skip "a bridge cannot be made here: $(cat "$folder/why")"
ip -n "${prefix}hub" link set bridge up
printf '127.0.0.1 localhost\n10.231.7.1 %s\n10.231.7.2 %s\n' "${prefix}a" "${prefix}b" >"$folder/hosts"
number=1
for host in a b; do
  ip link add "to$host" netns "${prefix}hub" type veth peer name eth0 netns "$prefix$host" || exit 1
  ip -n "${prefix}hub" link set "to$host" master bridge up
  ip -n "$prefix$host" addr add "10.231.7.$number/24" dev eth0
  ip -n "$prefix$host" link set eth0 up
  number=$((number + 1))
done

# on HOST COMMAND...: in the host's network, under its name.
cat >"$folder/on" <<END
#!/bin/bash
host=\$1; shift
exec ip netns exec "\$host" unshare --uts --mount --propagation private bash -c \\
  'hostname "\$0"; mount --bind "$folder/hosts" /etc/hosts; eval "\$*"' "\$host" "\$@"
END
chmod +x "$folder/on"

. "$environment"
TMPDIR=$folder "$folder/on" "${prefix}a" exec "$mpirun" --mca plm_rsh_agent "$folder/on" --host "${prefix}a:1,${prefix}b:1" --map-by node \
  --mca btl self,tcp --mca btl_tcp_if_include 10.231.7.0/24 --mca oob_tcp_if_include 10.231.7.0/24 -np 2 "$program" exchange \
  >"$folder/log" 2>&1 &
job=$!
for ((i = 0; i < 300; i++)); do grep -q 'exchanging' "$folder/log" && break; sleep 0.1; done
grep -q 'exchanging' "$folder/log" || { echo "the ranks did not start"; cat "$folder/log"; exit 1; }
sleep 1
begin=$SECONDS
ip -n "${prefix}hub" link set tob down
for ((i = 0; i < 300; i++)); do kill -0 "$job" 2>/dev/null || break; sleep 0.1; done
took=$((SECONDS - begin))
if kill -0 "$job" 2>/dev/null; then
  echo "the job still runs $took s after the link was cut"; cat "$folder/log"; exit 1
fi
wait "$job"; code=$?; job=
echo "ended $took s after the cut with code $code"
[ "$code" -ne 0 ] || { echo "code 0 after a cut link"; exit 1; }
sleep 1
for host in a b; do
  for ((i = 0; i < 100; i++)); do [ -z "$(ip netns pids "$prefix$host")" ] && break; sleep 0.1; done
  left=$(ip netns pids "$prefix$host")
  [ -z "$left" ] || { echo "processes are left on host $host: $left"; exit 1; }
done
