# SPDX-License-Identifier: Apache-2.0
"""A machine of its own: a root with a kernel and systemd, made into a disk and started under software emulation, as hardly any place where tests run lends its own process 1.

It talks to its host by its console, and to the servers there as 10.0.2.2 (QEMU's network for users, nothing of it is seen outside).
"""
import glob, os, shutil, subprocess

KERNEL = "linux-image-cloud-amd64 initramfs-tools systemd systemd-sysv dbus udev"
NEEDS = ("qemu-system-x86_64", "mke2fs")
SIZE_MB, MEMORY_MB = 2000, 1024
TRIAL = """[Unit]
Description=what the test does on this machine
Wants=network-online.target
After=network-online.target
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/bash /srv/trial
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
ExecStopPost=/bin/systemctl --no-block poweroff
[Install]
WantedBy=multi-user.target
"""
NETWORK = "[Match]\nName=e*\n[Network]\nDHCP=ipv4\n"


def missing():
    return [t for t in NEEDS if not shutil.which(t, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]


class Machine:
    """The root becomes its disk; the script /srv/trial is run by systemd at each start, and the machine ends when the script does."""

    def __init__(self, root, folder, trial):
        self.folder = folder
        self.put(root, "/srv/trial", trial)
        self.put(root, "/etc/systemd/system/trial.service", TRIAL)
        self.put(root, "/etc/systemd/network/80-emulated.network", NETWORK)
        self.put(root, "/etc/hostname", "trial\n")
        done = root.run(f"apt-get -qq install -y --no-install-recommends {KERNEL} >/tmp/log 2>&1 || {{ cat /tmp/log; exit 1; }}\n"
                        "systemctl -q enable trial systemd-networkd 2>&1; systemctl -q set-default multi-user.target; systemctl -q mask getty@tty1 serial-getty@ttyS0 apt-daily.timer apt-daily-upgrade.timer")
        if done.returncode:
            raise RuntimeError("no kernel in the root: " + done.stdout[-1000:])
        for name, there in (("kernel", "vmlinuz-*"), ("initrd", "initrd.img-*")):
            shutil.copy(glob.glob(os.path.join(root.folder, "boot", there))[0], os.path.join(folder, name))
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root.folder, os.path.join(folder, "disk"), f"{SIZE_MB}M"], check=True, stdin=subprocess.DEVNULL, env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"))

    @staticmethod
    def put(root, path, text):
        os.makedirs(os.path.dirname(root.folder + path), exist_ok=True)
        with open(root.folder + path, "w", encoding="utf-8") as f:
            f.write(text)

    def start(self, seconds):
        """Starts it and waits until it has switched itself off; what its console showed."""
        command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", str(MEMORY_MB), "-nographic", "-no-reboot", "-kernel", "kernel", "-initrd", "initrd",
                   "-append", "root=/dev/vda rw console=ttyS0 no_timer_check quiet systemd.show_status=0 panic=-1", "-drive", "file=disk,format=raw,if=virtio", "-nic", "user,model=virtio-net-pci"]
        console = os.path.join(self.folder, "console")
        with open(console, "w") as f:
            own = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT)
        try:
            own.wait(seconds)
            ended = ""
        except subprocess.TimeoutExpired:
            ended = f"\nit did not end within {seconds} s\n"
        finally:
            own.kill()
        with open(console, encoding="utf-8", errors="replace") as f:
            return f.read().replace("\r", "") + ended
