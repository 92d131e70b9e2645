"""Unix sockets of this machine in containers: the agent of ssh, which looks at who asks."""

import shutil
import subprocess

import pytest

from baselard.engine.host import process

pytestmark = pytest.mark.root


def given(client, path):
    return client.value("host", f'unixSocket(path:"{path}")', "id")


@pytest.fixture
def agent(tmp_path):
    """An agent of ssh with one key: its socket, and the key's public half."""
    if not all(map(process.which, ("ssh-agent", "ssh-add", "ssh-keygen"))):
        pytest.skip("needs ssh-agent: apt-get install openssh-client")
    path, key = tmp_path / "agent.sock", tmp_path / "key"
    child = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.PIPE)
    child.stdout.readline()  # it listens once it has told where
    process.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "on the host", "-f", str(key)])
    subprocess.run(["ssh-add", "-q", str(key)], env={"SSH_AUTH_SOCK": str(path)}, check=True)
    yield path, key.with_suffix(".pub").read_text()
    child.terminate()
    child.wait()
    child.stdout.close()


@pytest.fixture
def asking(client, tree):
    """The first steps of a query: a container with ssh-add, which asks at /run/agent."""
    _with_libraries(process.which("ssh-add"), tree)
    (tree / "etc").mkdir(exist_ok=True)
    (tree / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nbuilder:x:1000:1000::/:/bin/sh\n")
    return (*client.container(tree), 'withEnvVariable(name:"SSH_AUTH_SOCK",value:"/run/agent")')


def _with_libraries(program, tree):
    """Copy a program of this machine with the libraries it is linked to (ldd(1))."""
    shutil.copy(program, tree / "bin")
    for word in process.run(["ldd", program]).stdout.decode().split():
        if word.startswith("/"):
            (tree / word.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(word, tree / word.lstrip("/"))


@pytest.mark.parametrize(("owner", "user"), [("", "root"), ("builder", "builder")])
def test_an_agent_of_ssh_answers_in_a_container(client, agent, asking, owner, user):
    path, key = agent
    mount = f'withUnixSocket(path:"/run/agent",source:"{given(client, path)}",owner:"{owner}")'
    listed = 'withExec(args:["ssh-add","-L"])'
    assert client.value(*asking, f'withUser(name:"{user}")', mount, listed, "stdout") == key


def test_a_socket_without_an_owner_refuses_other_users(client, agent, asking):
    mount = f'withUnixSocket(path:"/run/agent",source:"{given(client, agent[0])}")'
    listed = 'withExec(args:["ssh-add","-L"],expect:FAILURE)'
    said = client.value(*asking, 'withUser(name:"builder")', mount, listed, "stderr")
    assert "Permission denied" in said


def test_a_socket_goes_with_its_mount(client, agent, asking):
    mount = f'withUnixSocket(path:"/run/agent",source:"{given(client, agent[0])}")'
    look = 'withExec(args:["sh","-c","test -S /run/agent && echo there || echo gone"])'
    assert client.value(*asking, mount, look, "stdout") == "there\n"
    without = 'withoutUnixSocket(path:"/run/agent")'
    assert client.value(*asking, mount, look, without, look, "stdout") == "gone\n"


def test_a_socket_that_is_none_is_named(client, image, tmp_path):
    (tmp_path / "file").write_text("")
    mount = f'withUnixSocket(path:"/run/s",source:"{given(client, tmp_path / "file")}")'
    (error,) = client.ask(client.chain(*image, mount, 'withExec(args:["true"])', "sync"))["errors"]
    assert f"{tmp_path}/file is not a Unix socket of this machine" in error["message"]
