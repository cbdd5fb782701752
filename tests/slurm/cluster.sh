# shellcheck shell=bash
# Sourced: a Slurm of its own on this machine. munged, slurmctld and one slurmd a node listen on loopback; a node lives in its own mount,
# host name and pid namespaces, so that killing its first process kills all that runs on it, as a power cut does.
#   cluster_missing            prints why this machine cannot carry one; nothing when it can
#   cluster_start FOLDER N     starts nodes n1..nN and returns when all are idle; exports what clients need
#   cluster_stop               ends everything that was started, by process id
#   node_kill NAME             at once, with all its processes; it stays dead

cluster_missing() {
  local tool
  ((EUID == 0)) || { echo "needs root for namespaces"; return; }
  for tool in munged slurmctld slurmd sbatch srun scontrol unshare mpirun; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed (packages slurm-wlm slurm-wlm-basic-plugins munge openmpi-bin)"; return; }
  done
  unshare --mount --uts --pid --fork --mount-proc true 2>/dev/null || echo "this machine does not allow new namespaces"
}

# Slurm wants the controller's name to resolve; every node carries a hosts file of its own, the controller's entry has the address in it.
cluster_configure() {
  local host port last=$((10#$cluster_nodes))
  host=$(hostname -s)
  port=$((20000 + $$ % 20000))
  cat >"$cluster_folder/slurm.conf" <<END
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$cluster_folder/munge.socket
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$cluster_folder/state
SlurmctldPidFile=$cluster_folder/slurmctld.pid
SlurmctldLogFile=$cluster_folder/log/slurmctld.log
SlurmdSpoolDir=$cluster_folder/spool.%n
SlurmdPidFile=$cluster_folder/slurmd.%n.pid
SlurmdLogFile=$cluster_folder/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
SlurmdTimeout=5
KillWait=5
JobRequeue=1
MinJobAge=3600
MailProg=/bin/true
PropagateResourceLimitsExcept=ALL
GresTypes=gpu
NodeName=n[1-$last] NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + last))] CPUs=2 RealMemory=2000 Gres=gpu:2 State=UNKNOWN
PartitionName=batch Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=10 OverSubscribe=EXCLUSIVE State=UP
END
  # A device file stands in for each GPU; srun's PMIx folder must differ from node to node, hence a file system of its own on it.
  printf 'Name=gpu File=%s/gpu[0-1]\n' "$cluster_folder" >"$cluster_folder/gres.conf"
  printf 'PMIxCliTmpDirBase=%s/pmix\n' "$cluster_folder" >"$cluster_folder/mpi.conf"
  echo 'CgroupAutomount=no' >"$cluster_folder/cgroup.conf"
  : >"$cluster_folder/plugstack.conf"
  { printf '127.0.0.1 localhost %s\n' "$host"; seq -f '127.0.0.1 n%g' 1 "$last"; } >"$cluster_folder/hosts"
}

node_start() {
  mkdir -p "$cluster_folder/spool.$1"
  # shellcheck disable=SC2016  # expanded inside the namespaces
  setsid unshare --mount --uts --pid --fork --kill-child --mount-proc --propagation private bash -c '
    ulimit -c unlimited && hostname "$1" && mount --bind "$2/hosts" /etc/hosts && mount -t tmpfs -o size=64m tmpfs "$2/pmix" &&
      exec slurmd -D -f "$2/slurm.conf" -N "$1"' node "$1" "$cluster_folder" </dev/null >"$cluster_folder/log/$1.out" 2>&1 &
  echo $! >"$cluster_folder/$1.pid"
  disown # bash would report its end
}

node_kill() { kill -KILL "$(<"$cluster_folder/$1.pid")"; }

cluster_start() {
  cluster_folder=$1 cluster_nodes=$2
  local i idle=0
  mkdir -p "$cluster_folder"/{state,log,munge,pmix}
  chmod 700 "$cluster_folder/munge"
  head -c 128 /dev/urandom >"$cluster_folder/munge/key"
  chmod 400 "$cluster_folder/munge/key"
  for i in 0 1; do mknod "$cluster_folder/gpu$i" c 1 3; done
  cluster_configure
  export SLURM_CONF=$cluster_folder/slurm.conf
  munged --force --num-threads=1 --key-file="$cluster_folder/munge/key" --socket="$cluster_folder/munge.socket" \
    --pid-file="$cluster_folder/munged.pid" --log-file="$cluster_folder/log/munged.log" --seed-file="$cluster_folder/munge/seed"
  slurmctld -f "$SLURM_CONF"
  for ((i = 1; i <= cluster_nodes; i++)); do node_start "n$i"; done
  for ((i = 0; i < 150; i++)); do
    idle=$(sinfo -h -N -o %T 2>/dev/null | grep -c '^idle$' || true)
    ((idle == cluster_nodes)) && return
    sleep 0.1
  done
  echo "the cluster did not come up:" >&2
  tail -n 5 "$cluster_folder"/log/* >&2
  return 1
}

# Whether a process is there; a zombie is not.
process_lives() { [[ -r /proc/$1/stat && $(awk '{print $3}' "/proc/$1/stat" 2>/dev/null || echo Z) != Z ]]; }

cluster_stop() {
  [[ -n ${cluster_folder:-} ]] || return 0 # nothing was started
  local file pid i ending=()
  scancel --user=root 2>/dev/null || true
  for ((i = 0; i < 40; i++)); do [[ -n $(squeue -h 2>/dev/null) ]] || break; sleep 0.1; done
  for file in "$cluster_folder"/n[0-9]*.pid; do # the namespace goes with its first process
    pid=$(<"$file")
    ! process_lives "$pid" || { kill -KILL "$pid" && ending+=("$pid"); }
  done
  for file in "$cluster_folder"/{slurmctld,munged}.pid; do
    [[ -s $file ]] || continue
    pid=$(<"$file")
    ! process_lives "$pid" || { kill -TERM "$pid" && ending+=("$pid"); }
  done
  for ((i = 0; i < 50; i++)); do
    for pid in "${ending[@]}"; do process_lives "$pid" && { sleep 0.1; continue 2; }; done
    return 0
  done
  for pid in "${ending[@]}"; do ! process_lives "$pid" || kill -KILL "$pid"; done
  return 0
}
