"""Test the service with thousands of requests generated from its OpenAPI document.

python benchmarks/attacks.py [--cases 5000]

Schemathesis generates them. Every response with an undocumented status, type or schema, and every
server error, is printed and counted. The hand-made attacks are in tests/web/test_web_limits.py.
"""

import argparse
import re
import subprocess
import sys
import tempfile

import httpx
from provenance import print_provenance
from serving import run_service

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance",
)  # fmt: skip


def main() -> None:
    """Run the generated requests, and print the responses by status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=5000)
    cases = parser.parse_args().cases
    print_provenance()
    with (
        tempfile.TemporaryDirectory() as folder,
        run_service("--corrections", f"{folder}/corrections.db", "--keep", "picture") as service,
    ):
        document = httpx.get(f"{service.url}/openapi.json").json()
        num_operations = sum(map(len, document["paths"].values()))
        each = -(-cases // num_operations)
        print(f"{num_operations} operations, {each} cases each", flush=True)
        command = [
            sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json",
            "--checks", ",".join(CHECKS), "--max-examples", str(each), "--phases", "fuzzing",
            "--mode", "all", "--seed", "0", "--continue-on-failure", "--no-color",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(done.stdout[-4000:])
        alive = httpx.get(f"{service.url}/healthz").text
        metrics = httpx.get(f"{service.url}/metrics").text
    answered = re.findall(r'inkread_requests_total\{.*status="(\d+)"\} (\S+)', metrics)
    counts: dict[str, int] = {}
    for status, count in answered:
        counts[status] = counts.get(status, 0) + int(float(count))
    print(f"answers by status: {dict(sorted(counts.items()))}; the service is {alive.strip()}")
    errors = sum(count for status, count in counts.items() if status == "500")
    sys.exit(1 if done.returncode or errors else 0)


if __name__ == "__main__":
    main()
