"""Which settings are there, what do they do, and what do they default to?

Each comes from the environment as `KB_<NAME>`; `HOST` and `PORT` are also read without the prefix because that is
what people type before `make run`. README.md shows this table, and a test holds the two together.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from kb.errors import Invalid
from kb.library import library_path
from kb.mail import Server

MIN_SECRET = 32  # characters


class Settings(BaseSettings):
    """All settings of one installation."""

    model_config = SettingsConfigDict(env_prefix="KB_", extra="ignore")

    data_dir: Path = Field(default=Path("var"), description="数据目录:数据库、内容存储、索引、密钥 · data directory")
    database_url: str = Field(
        default="", description="PostgreSQL 网址;空则用数据目录里的 SQLite · URL of a PostgreSQL database"
    )
    host: str = Field(
        default="127.0.0.1",
        validation_alias=AliasChoices("KB_HOST", "HOST"),
        description="监听地址 · address to listen on",
    )
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("KB_PORT", "PORT"),
        description="监听端口 · port to listen on",
    )
    processes: int = Field(default=1, ge=1, le=64, description="网页服务进程数;频率限制按进程计 · web server processes")
    threads: int = Field(
        default=8, ge=1, le=64, description="每个进程的网页服务线程数 · web server threads of each process"
    )
    base_url: str = Field(
        default="", description="对外网址,用于签名链接;空则取请求地址 · public address for signed links"
    )
    secure_cookies: bool = Field(
        default=False, description="仅经 HTTPS 发送会话 cookie · session cookie over HTTPS only"
    )
    session_hours: int = Field(default=12, ge=1, le=720, description="登录有效小时数 · hours a login lasts")
    dictionary_dir: Path | None = Field(
        default=None, description="分词词典目录;空则用随产品的 · dictionary directory, default the shipped one"
    )
    dense_model: Path | None = Field(
        default=None,
        description="句向量模型目录(model.onnx、vocab.txt),用于重排;空则不用 · folder of a sentence encoder, default none",
    )
    worker_poll_s: float = Field(
        default=0.02,
        gt=0,
        le=60,
        description="索引进程空闲时查看有无变更的间隔(秒) · seconds between looks for changes",
    )
    worker_batch: int = Field(default=200, ge=1, le=5000, description="一次提交的最多词条数 · entries per index commit")
    max_upload_mb: int = Field(default=20, ge=1, le=1024, description="单个附件上限(MB) · largest attachment")
    rate_limit: str = Field(
        default="30/minute", description="登录与报修的单地址频率 · sign-in and report rate per address"
    )
    search_log_days: int = Field(
        default=180, ge=1, le=3650, description="检索日志保留天数 · days that the log of searches is kept"
    )
    review_days: int = Field(
        default=3, ge=1, le=60, description="审核期限(工作日) · working days in which a revision is reviewed"
    )
    smtp_host: str = Field(default="", description="邮件服务器;空则不发邮件 · mail server; empty for no mail")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="邮件服务器端口 · its port")
    smtp_user: str = Field(default="", description="邮件服务器账号;空则不登录 · account there; empty for no log-in")
    smtp_password_file: Path | None = Field(
        default=None, description="存放邮件服务器密码的文件 · file that holds the password of that account"
    )
    smtp_starttls: bool = Field(default=True, description="要求加密连接 STARTTLS · insist on an encrypted connection")
    smtp_from: str = Field(default="wenqu@localhost", description="发件人 · sender")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="日志级别 · log level")

    @property
    def database(self) -> Path | str:
        """The file of the SQLite database, or the URL of a PostgreSQL database."""
        return self.database_url or self.data_dir / "kb.sqlite3"

    @property
    def mail_server(self) -> Server:
        return Server(
            self.smtp_host,
            self.smtp_port,
            self.smtp_user,
            self.smtp_password_file,
            self.smtp_starttls,
            self.smtp_from,
            self.base_url,
        )

    @property
    def store_path(self) -> Path:
        return self.data_dir / "store"

    @property
    def index_path(self) -> Path:
        return self.data_dir / "index"

    @property
    def cache_path(self) -> Path:
        return self.data_dir / "cache"

    @property
    def dictionary_path(self) -> Path:
        return self.dictionary_dir or library_path() / "dictionary"

    def secret_key(self) -> str:
        """The key that signs sessions and links: made once, kept in the data directory, readable by its owner."""
        path = self.data_dir / "secret.key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            made = path.with_name(f"secret.{secrets.token_hex(4)}.tmp")
            made.touch(mode=0o600)
            made.write_text(secrets.token_urlsafe(48))
            with contextlib.suppress(FileExistsError):
                os.link(made, path)  # whole or not at all, and the first of two processes wins
            made.unlink()
        key = path.read_text().strip()
        if len(key) < MIN_SECRET:
            raise Invalid(f"{path.name} 太短，请删除后重启 · too short: remove it and start again")
        return key
