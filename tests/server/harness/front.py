"""The web server in front of pomona-fcgi: nginx or Apache, with Pomona's site file; by FastCGI or as plain CGI."""

import os
import shutil
import subprocess

from .process import REPOSITORY, program_path

FRONTS = ("nginx", "apache", "cgi", "apache-cgi")
FRONT = os.environ.get("POMONA_FRONT") or "nginx"
assert FRONT in FRONTS, f"POMONA_FRONT is one of {FRONTS}"

NGINX_CONF = """
{user}
worker_processes 2;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log notice;
daemon off;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
	access_log off;
	client_body_temp_path {dir}/nginx/body;
	proxy_temp_path {dir}/nginx/proxy;
	fastcgi_temp_path {dir}/nginx/fastcgi;
	uwsgi_temp_path {dir}/nginx/uwsgi;
	scgi_temp_path {dir}/nginx/scgi;
	include {dir}/nginx/site.conf;
}}
"""

# As Debian's apache2.conf and its modules' files have it, but for the places.
APACHE_CONF = """
ServerRoot {dir}
DefaultRuntimeDir {dir}/apache
PidFile {dir}/apache/pid
Mutex file:{dir}/apache
{user}
ServerName localhost
Listen 127.0.0.1:{port}
ErrorLog {dir}/apache-error.log
LogLevel warn
DocumentRoot {dir}/apache/root
StartServers 2
MaxRequestWorkers 150
{modules}
<IfModule cgid_module>
	ScriptSock {dir}/apache/cgid.sock
</IfModule>
<IfModule fcgid_module>
	FcgidIPCDir {dir}/apache/fcgid
	FcgidProcessTableFile {dir}/apache/fcgid.shm
</IfModule>
SSLSessionCache shmcb:{dir}/apache/sessions(512000)
SSLSessionCacheTimeout 300
<Directory />
	Options FollowSymLinks
	AllowOverride None
	Require all denied
</Directory>
<Directory {dir}/apache/root>
	Require all granted
</Directory>
Include {dir}/apache/site.conf
"""

APACHE_MODULES = ("mpm_event", "authz_core", "authz_host", "alias", "env", "headers", "reqtimeout", "setenvif", "socache_shmcb", "ssl")
APACHE_MORE = {"apache": ("proxy", "proxy_fcgi"), "apache-cgi": ("cgid",), "apache-fcgid": ("fcgid",)}
APACHE_USER, APACHE_GROUP = "nobody", "nogroup"  # when root starts it: it refuses to run as root
APACHE_PLACES = ("/usr/lib/apache2/modules", "/usr/lib/httpd/modules", "/usr/libexec/apache2")


def let_in(front, directory):
    """Apache's children, and CGI programs, are not root, even where we are."""
    if is_apache(front) and os.geteuid() == 0:
        os.chmod(directory, 0o711)


def hand_over(server):
    """A CGI program works on the store as Apache's user, and is started from a place he can get to."""
    etc = server.path("etc/pomona")
    os.makedirs(etc)
    os.symlink(server.conf, os.path.join(etc, "pomona.conf"))
    os.makedirs(server.path("bin"))
    shutil.copy(program_path("pomona-fcgi"), server.path("bin"))
    if is_apache(server.front) and os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{APACHE_USER}:{APACHE_GROUP}", server.dir], check=True)


def is_plain_cgi(front):
    return front in ("cgi", "apache-cgi", "apache-fcgid")


def is_apache(front):
    return front.startswith("apache")


def program_of(front):
    return "apache" if is_apache(front) else "nginx"


def fill_in(template, target, values, edit):
    """EDIT: texts of the template to be replaced, as an administrator would do it by hand."""
    with open(os.path.join(REPOSITORY, template)) as file:
        text = file.read()
    for old, new in edit.items():
        assert old in text, f"{old!r} is not in {template}"
        text = text.replace(old, new)
    pairs = [f"{name}={value}" for name, value in values.items()]
    with open(target, "w") as out:
        subprocess.run(
            [os.path.join(REPOSITORY, "scripts", "fill-in"), *pairs], input=text.encode(), stdout=out, check=True
        )


def site_values(server):
    plain = is_plain_cgi(server.front)
    return {
        "FCGI_SOCKET": server.path("wrap.sock") if server.front == "cgi" else server.socket,
        "LISTEN": f"127.0.0.1:{server.port}",
        "SERVER_NAME": "localhost",
        "TLS_CERTIFICATE": server.pki.tls.certificate,
        "TLS_KEY": server.pki.tls.key,
        "DEVICE_CA": server.device_ca,
        "KEEP_CONN": "off" if plain else "on",
        "CGI": "" if plain else "#",
        "FCGI": "#" if plain else "",
        "SBINDIR": server.path("bin"),
        "SYSCONFDIR": server.path("etc"),
    }


def write_nginx(server):
    with open(server.path("nginx.conf"), "w") as conf:
        conf.write(NGINX_CONF.format(dir=server.dir, user="user root root;" if os.geteuid() == 0 else ""))
    return ["nginx", "-p", server.dir, "-c", server.path("nginx.conf"), "-e", server.path("nginx-error.log")]


def load_module(name):
    path = next(place for place in APACHE_PLACES if os.path.exists(os.path.join(place, f"mod_{name}.so")))
    return f"LoadModule {name}_module {path}/mod_{name}.so"


def write_apache(server):
    os.makedirs(server.path("apache/root"), exist_ok=True)
    modules = "\n".join(load_module(name) for name in APACHE_MODULES + APACHE_MORE[server.front])
    user = f"User {APACHE_USER}\nGroup {APACHE_GROUP}" if os.geteuid() == 0 else ""
    with open(server.path("apache.conf"), "w") as conf:
        conf.write(APACHE_CONF.format(dir=server.dir, port=server.port, modules=modules, user=user))
    return ["apache2", "-d", server.dir, "-f", server.path("apache.conf"), "-D", "FOREGROUND"]


def write_site(server, edit=None, **values):
    program = program_of(server.front)
    os.makedirs(server.path(program), exist_ok=True)
    fill_in(f"{program}/pomona.conf.in", server.path(f"{program}/site.conf"), {**site_values(server), **values}, edit or {})


def command(server):
    """Writes its main configuration; gives what starts it."""
    return write_apache(server) if is_apache(server.front) else write_nginx(server)
