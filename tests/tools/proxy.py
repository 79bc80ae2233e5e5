# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy on 127.0.0.1 that can cut and slow what goes through it."""
import select, socket, threading, time


class Proxy:
    """Forwards to a port. `cut()` drops every connection and refuses new ones until `heal()`; `slow(seconds)` holds every piece of data back so long."""

    def __init__(self, target=None):
        self.target, self.is_cut, self.delay = target, False, 0.0
        self.pairs, self.lock = [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            if self.is_cut:
                raise OSError("cut")
            server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            client.close()
            return
        with self.lock:
            self.pairs.append((client, server))
        try:
            self._pump(client, server)
        except (OSError, ValueError):
            pass
        with self.lock:
            self.pairs = [p for p in self.pairs if p[0] is not client]
        client.close()
        server.close()

    def _pump(self, client, server):
        other = {client: server, server: client}
        while not self.is_cut:
            for ready in select.select([client, server], [], [], 0.5)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                if self.delay:
                    time.sleep(self.delay)
                other[ready].sendall(data)

    def cut(self):
        self.is_cut = True
        with self.lock:
            for pair in self.pairs:
                for s in pair:
                    try:
                        s.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass

    def heal(self):
        self.is_cut, self.delay = False, 0.0

    def slow(self, seconds):
        self.delay = seconds

    def stop(self):
        self.cut()
        self.listener.close()
