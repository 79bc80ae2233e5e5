# SPDX-License-Identifier: Apache-2.0
"""An OTLP/HTTP endpoint for traces: keeps the spans of what it took, read by itself, and answers as a test says. It shares no code with winnow."""
import gzip, http.server, socket, threading
import otlp


class Collector:
    def __init__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1/traces"
        self.spans, self.came, self.requests, self.faults = {}, 0, 0, []
        self.first = []             # answers to the first requests: (status, {header: value})
        self.server = None

    def take(self, handler):
        """The answer to a request: status and headers."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.requests += 1
        if handler.path != "/v1/traces" or handler.headers["Content-Type"] != "application/x-protobuf":
            self.faults.append(f"{handler.path} {handler.headers['Content-Type']}")
        if self.first:
            return self.first.pop(0)
        try:
            if handler.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            spans = list(otlp.spans(body))
        except Exception as e:
            self.faults.append(repr(e))
            return 400, {}
        self.came += len(spans)
        self.spans.update(((s["trace_id"], s["span_id"]), s) for s in spans)
        return 200, {}

    def start(self):
        collector, lock = self, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                with lock:
                    status, headers = collector.take(self)
                self.send_response(status)
                for name, value in {"Content-Type": "application/x-protobuf", "Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
