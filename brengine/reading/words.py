"""The words that headings and labels are known by, in the languages that specifications are written in. Data only.

Words of scripts with spaces match as whole words, others (Chinese, Japanese, Korean, Thai) as parts of a title.
"""

from __future__ import annotations

from brengine.domain import Priority, SectionRole


def _phrases(text: str) -> tuple[str, ...]:
    """The phrases of a text, which commas part."""
    return tuple(phrase for line in text.splitlines() for phrase in (p.strip() for p in line.split(",")) if phrase)


FEATURES = _phrases(
    """
    features, functionality, functionalities, capabilities, feature list, feature set, feature scope,
    feature breakdown, feature specification, feature specifications, feature specs, feature requirements,
    feature areas, feature details, feature descriptions, feature overview, features list, feature groups, 功能,
    特性, 機能, 기능, fonctionnalités, fonctionnalites, fonctions, funcionalidades, funciones, características,
    caracteristicas, recursos, funções, funcoes, funktionen, hauptfunktionen, kernfunktionen,
    hauptfeatures, kernfeatures, grundfunktionen, funktionalitäten, leistungsmerkmale, funktionsumfang,
    funzionalità, caratteristiche, функции, функциональность, возможности, функционал, функції, можливості,
    tính năng, chức năng, özellikler, işlevler, özellikleri, funkcje, funkcjonalności, functies, functionaliteiten,
    functionaliteit, funkce, vlastnosti, fitur, fitur-fitur, funksiyalar, funksiyalari, funktioner, egenskaper,
    funkciók, funcționalități, الميزات, المميزات, الوظائف, विशेषताएं, सुविधाएँ, ฟีเจอร์, תכונות, ویژگی‌ها,
    λειτουργίες, toiminnot, ominaisuudet, funksjoner
    """
)
REQUIREMENTS = _phrases(
    """
    functional requirements, functional requirement, core requirements, product requirements, requirements,
    functional specification, functional specifications, functional specs, user requirements, must haves,
    must have, must-have, must-haves, business requirements, key requirements, system requirements, 功能需求,
    功能要求, 功能规格, 功能規格, 需求, 機能要件, 機能仕様, 要件, 기능 요구사항, 요구사항, requisitos funcionales,
    requisitos funcionais, requisitos, requerimientos funcionales, requerimientos, exigences fonctionnelles,
    besoins fonctionnels, exigences,
    musskriterien, anforderungen, funktionale anforderungen, requisiti funzionali, requisiti,
    функциональные требования, требования, yêu cầu chức năng, wymagania funkcjonalne, wymagania, gereksinimler,
    functionele eisen, funkční požadavky, požadavky, kebutuhan fungsional, krav, المتطلبات, المتطلبات الوظيفية,
    функціональні вимоги, вимоги
    """
)
STORIES = _phrases(
    """
    user stories, user story, epics, stories, 用户故事, 使用者故事, ユーザーストーリー, 사용자 스토리,
    historias de usuario, histórias de usuário, récits utilisateur, user storys, anwendergeschichten,
    пользовательские истории, storie utente, historyjki użytkownika, gebruikersverhalen
    """
)
USE_CASES = _phrases(
    """
    use cases, use case, usage scenarios, scenarios, 用例, 使用场景, ユースケース, 유스케이스, casos de uso,
    cas d'utilisation, anwendungsfälle, casi d'uso, варианты использования, przypadki użycia
    """
)
SCOPE = _phrases(
    """
    scope, mvp scope, mvp, in scope, version 0 scope, v1 scope, mvp requirements, mvp features, core functionality,
    範囲, 范围, スコープ, 범위, alcance, escopo, portée, périmètre, umfang, объем работ
    """
)
PARTS = _phrases(
    """
    modules, core modules, main modules, core services, main pages, pages, screens, views, widgets, work packages,
    模块, 功能模块, 页面, モジュール, 画面, 모듈, 화면, 페이지, módulos, modulos, pantallas, páginas,
    páginas principales, telas, écrans, moduli,
    модули, экраны, moduły, modüller, khối, màn hình, seiten, pages and features, endpoints, api endpoints,
    components, core components, scripts, pipeline, tools, commands, services, main components, system components
    """
)
PIECES = _phrases(
    """
    endpoints, api endpoints, components, core components, scripts, pipeline, tools, commands, services
    """
)
"""Parts of an architecture as often as parts of a product."""
PHASES = _phrases(
    """
    phases, development phases, implementation phases, milestones, roadmap, implementation plan, tasks,
    development roadmap, implementation roadmap, implementation priorities, 阶段, 里程碑, フェーズ, 단계, fases,
    hitos, etapas, meilensteine, этапы, jalons, faser, fasi
    """
)
FRAME = _phrases(
    """
    overview, introduction, summary, background, goals, objectives, purpose, description, 概述, 概要,
    acceptance criteria, success criteria, definition of done, success metrics, metrics, notes, note, assumptions,
    dependencies, edge cases, key entities, glossary, open questions, questions, references, table of contents,
    tech stack, technology stack, technical stack, technologies, risks, constraints, non-functional requirements,
    non functional requirements, nonfunctional requirements, data model, appendix, 验收标准, 非功能需求,
    非機能要件, 비기능 요구사항, requisitos no funcionales, requisitos não funcionais,
    exigences non fonctionnelles, нефункциональные требования, quality attributes, technical requirements
    """
)
"""Titles that are no features even between the headings of a container."""
CONTAINERS = (FEATURES, REQUIREMENTS, STORIES, USE_CASES, SCOPE, PARTS, PHASES)
"""Ranked: what stands further left is the better container."""
GENERIC = frozenset(
    _phrases(
        """
    &, all, and, app, application, area, areas, as, asosiy, basic, be, bot, breakdown, by, capabilities, chính,
    clé, clés, core, core-features, critical, current, da, das, de, del, der, des, description, descriptions,
    detailed, details, die, do, dos, du, el, essential, existing, feature, features, for, functional,
    functionalities, functionality, fungsi, game, general, główne, haupt, high, high-level, hlavní, implement,
    implemented, important, in, initial, innovative, its, key, la, las, le, les, level, library, list, los, main,
    major, minimum, module, modules, mvp, new, of, optional, our, overall, overview, planned, platform, primary,
    principais, principales, product, products, project, proposed, required, requirements, scope, service, site,
    software, specification, specifications, summary, system, target, technical, temel, the, to, tool, top,
    top-level, user, user-facing, users, utama, v0, v1, v1.0, version, web, website, wichtigste, with, și, и,
    ключевые, основные, cốt, lõi,
        sistema, sistem, système, systems, система, системы, aplicación, aplicativo, stage, phase, release, sprint,
        funcionales, funcionais, fonctionnelles, funktionale, funzionali
    """
    )
)
"""Words that say nothing about which features a `… features` heading holds."""
GENERIC_CJK = _phrases(
    """
    核心, 主要, 基本, 基础, 重要, 重点, 关键, 产品, 系统, 业务, 项目, 详细, 具体, 整体, 全部, 已实现, 实现, 当前, 现有,
    模块, 模塊, 清单, 清單, 列表, 一览, 一覽, 一覧, 概要, 概述, 说明, 說明, 説明, 描述, 需求, 要求, 要件, 规格,
    規格, 仕様,
    设计, 設計, 定义, 定義, 明细, 明細, 点, 範囲, 范围, 必须, 必須, 新增, 追加, コア, 主な, 主要な, ユーザー, 管理者,
    アプリ, システム, 提供する, 提供, 実装する, 実装, 及び, および, の, と, 핵심, 주요, 기본, 필수, 전체, 상세, 세부,
    구현된, 구현할, 구현, 제공, 사용자, 관리자, 시스템, 서비스, 목록, 명세서, 명세, 정의, 요구사항, 및, 의, 추가,
    고급, mvp,
    v1, 1.0
    """
)
"""The same where words are not parted by spaces."""
NOT_FEATURES = _phrases(
    """
    feature flags, feature flag, feature extraction, feature engineering, feature selection, no leakage,
    feature toggles, feature store, feature vector, feature vectors, feature matrix, feature comparison,
    feature importance, feature branch, feature branches, feature access, feature map, language features,
    input features, model features, feature freeze, feature request, feature requests, 特征
    """
)
DEFERRED = _phrases(
    """
    future, future work, future enhancements, future features, stretch, stretch goals, nice to have, nice-to-have,
    nice to haves, nice-to-haves, post-launch, post launch, post-mvp, post mvp, v2, v3,
    version 2, version 3, phase 2+, later, backlog,
    could have, could-have, won't have, wont have, deferred, bonus, ideas, potential features,
    optional enhancements, possible extensions, future considerations, 未来, 后续, 今後, 将来, 향후, 추후, futuro,
    futuras, futuros, futures, futur, évolutions, zukünftig, zukunft, ausblick, будущее, в будущем, планы,
    tương lai, gelecek, przyszłość, toekomst, kannkriterien, wunschkriterien, budoucí, masa depan,
    melhorias futuras, mejoras futuras, fonctionnalités futures, 拡張
    """
)
REMARKS = frozenset(
    _phrases(
        """
        notes, note, background, rationale, references, resources, glossary, risks, risk, timeline, estimate, effort,
        assumptions, open questions, questions, success metrics, metrics, kpis, implementation notes, technical notes,
        technical details, technical implementation, implementation details, files, file, related documentation,
        changelog, example, examples, why, 备注, 说明, 備考, 비고, notas, hinweise, remarques, примечания
        """
    )
)
"""Titles within a feature below which nothing is demanded."""
OUT_OF_SCOPE = _phrases(
    """
    non-goals, non goals, nongoals, out of scope, out-of-scope, not in scope, non-features, excluded, exclusions,
    anti-goals, what this is not, not included, not doing, won't do, 非目标, 不做, 范围外, 対象外, スコープ外,
    非ゴール, 범위 제외, 제외, fuera de alcance, fora de escopo, fora do escopo, hors périmètre, hors scope,
    nicht-ziele, abgrenzungskriterien, abgrenzung, nicht im umfang, вне рамок, не входит, ngoài phạm vi,
    fuori ambito, poza zakresem, buiten scope, kapsam dışı, di luar cakupan, mimo rozsah
    """
)
ROLES: tuple[tuple[SectionRole, tuple[str, ...]], ...] = (
    (
        "acceptance",
        _phrases(
            """
            acceptance criteria, definition of done, success criteria, 验收标准, 受け入れ基準, 완료 조건,
            criterios de aceptación, critérios de aceitação, critères d'acceptation, akzeptanzkriterien,
            abnahmekriterien
            """
        ),
    ),
    (
        "non-functional",
        _phrases(
            """
            non-functional, nonfunctional, non functional, performance, security, reliability, quality,
            scalability, availability, accessibility, compliance, privacy, usability, 非功能, 性能, 安全, 非機能,
            セキュリティ, 비기능, 성능, 보안, no funcionales, não funcionais, rendimiento, seguridad, desempenho,
            segurança, non fonctionnelles, sécurité, nichtfunktional, nicht-funktional, sicherheit,
            нефункциональные, производительность, безопасность, phi chức năng, bảo mật, niefunkcjonalne
            """
        ),
    ),
    (
        "layout",
        _phrases(
            """
            project structure, file structure, directory structure, folder structure, layout, repository structure,
            目录结构, 项目结构, ディレクトリ構成, 프로젝트 구조, estructura del proyecto, estrutura do projeto,
            structure du projet, projektstruktur, структура проекта, cấu trúc
            """
        ),
    ),
    (
        "tech-stack",
        _phrases(
            """
            tech stack, technology, technologies, technical stack, stack, 技术栈, 技术选型, 技術スタック, 技術構成,
            기술 스택, tecnologías, tecnologias, technologien, pile technique, технологии, công nghệ, tooling
            """
        ),
    ),
    (
        "constraints",
        _phrases(
            """
            constraint, constraints, conventions, limitations, design principles, 约束, 限制, 制約, 제약,
            restricciones, restrições, contraintes, einschränkungen, ограничения, ràng buộc
            """
        ),
    ),
    (
        "overview",
        _phrases(
            """
            overview, introduction, summary, about, purpose, background, vision, goals, problem, solution,
            objectives, objective, goal, description, context, motivation, 概述, 简介, 背景, 目标, 概要, 目的,
            개요, 목적, resumen, introducción, objetivos, visão geral, introdução, aperçu, objectifs, überblick,
            einleitung, zielsetzung, обзор, введение, цели, tổng quan, giới thiệu, genel bakış, wprowadzenie
            """
        ),
    ),
)
STACK = _phrases(
    """
    tech stack, technology stack, technical stack, dependencies, environment, hardware
    """
)
CONTEXT = _phrases(
    """
    architecture, system architecture, technical architecture, data model, data models, database, schema,
    database schema, data structures, api, apis, api specification, api reference, api design, api contracts,
    deployment, infrastructure, testing, test, tests, testing strategy, test plan, risks, risk, timeline,
    success metrics, metrics, kpis, references, resources, glossary, terms, appendix, appendices, personas,
    target users, users, audience, user experience, ux, ui, design, user flow, user flows, open questions,
    questions, assumptions, dependencies, environment variables, configuration, installation, setup, usage,
    getting started, changelog, license, document history, revision history, table of contents, contents, notes,
    competitive analysis, market, monitoring, observability, error handling, edge cases, key entities, workflow,
    stakeholders, team, budget, sample output, examples, next steps, sign-off, approval, deliverables,
    implementation notes, technical notes, development workflow, documentation, related documentation, contact,
    架构, 系统架构, 数据模型, 数据库, 接口, 部署, 测试, 风险, 时间, 术语, 用户, アーキテクチャ, データモデル,
    データベース, テスト, 用語, 리스크, 아키텍처, 데이터, 일정, arquitectura, arquitetura, modelo de datos,
    modelo de dados, base de datos, banco de dados, riesgos, riscos, cronograma, architecture technique,
    modèle de données, déploiement, risques, architektur, datenmodell, bereitstellung, risiken, glossar,
    архитектура, модель данных, база данных, тестирование, риски, глоссарий, kiến trúc, cơ sở dữ liệu, kiểm thử
    """
)
"""Titles of sections that inform and hold no features of their own."""
_FIELDS = {
    "description": _phrases(
        """
        description, overview, summary, purpose, 描述, 説明, 설명, descripción, descrição, beschreibung, описание,
        mô tả, user story, 用户故事, what it does, how it works, why, why it's important, why it matters,
        rationale, goal, objective, notes, technical details, technical implementation, implementation,
        implementation details, files, file, component, components, duration, owner, estimate, effort,
        why this priority, technical notes, background
        """
    ),
    "status": _phrases(
        """
        status, state, 状态, 状態, 상태, estado, statut
        """
    ),
    "requirements": _phrases(
        """
        requirements, requirement, functional requirements, features, functionality, 需求, capabilities, tasks,
        deliverables, deliverable, 要件, 요구사항, requisitos, exigences, anforderungen, требования, rf, rn,
        key features, key functions, scope, what to build
        """
    ),
    "criteria": _phrases(
        """
        acceptance criteria, acceptance, acceptance scenarios, acceptance tests, scenarios, success criteria,
        definition of done, independent test, 验收标准, 受け入れ基準, criterios de aceptación,
        critérios de aceitação, critères d'acceptation, akzeptanzkriterien, критерии приемки, 완료 조건, 인수 조건,
        验收条件, rnf
        """
    ),
    "priority": _phrases(
        """
        priority, 优先级, 優先度, 우선순위, prioridad, prioridade, priorité, priorität, приоритет, độ ưu tiên,
        priorità, öncelik, priorytet, prioriteit
        """
    ),
    "needs": _phrases(
        """
        depends on, needs, blocked by, depends, depende de, dépend de, hängt ab von, 依赖, 依存, 의존, зависит от,
        phụ thuộc, dipende da, zależy od, hangt af van
        """
    ),
    "outside": _phrases(
        """
        dependencies, dependency, requires, prerequisites, prerequisite, dependencias, dependências,
        dépendances, abhängigkeiten, зависимости
        """
    ),
}
LABELS = {label: name for name, labels in _FIELDS.items() for label in labels}
_PRIORITIES: dict[Priority, tuple[str, ...]] = {
    "high": _phrases(
        """
        critical, highest, high, must, must have, must-have, p0, p1, 高, 높음, alta, haute, hoch, высокий, cao,
        essential, required, 🔴, urgent
        """
    ),
    "medium": _phrases(
        """
        medium, normal, moderate, should, should have, should-have, p2, 中, 중간, media, média, moyenne, mittel,
        средний, trung bình, 🟡, 🟠
        """
    ),
    "low": _phrases(
        """
        low, lowest, could, could have, could-have, nice to have, optional, p3, p4, 低, 낮음, baja, baixa, basse,
        niedrig, низкий, thấp, 🟢
        """
    ),
}
UNNAMED = frozenset(
    _phrases(
        """
        template, prd, requirements document, feature specification, product requirements document,
        product requirement document, project specification,
        project spec, specification, requirements, features, core features, readme, untitled, title
        """
    )
)
"""Titles that name no product."""
PRIORITIES = {word: name for name, known in _PRIORITIES.items() for word in known}
NOTHING = frozenset(
    (
        "",
        *_phrases(
            """
    -, aucune, keine, n/a, na, nenhuma, ninguna, none, nothing, нет, –, —, なし, 无, 없음
    """
        ),
    )
)
VAGUE = _phrases(
    """
    fast, quick, quickly, user-friendly, user friendly, easy to use, intuitive, robust, scalable, efficient,
    efficiently, modern, flexible, seamless, seamlessly, beautiful, nice, good, secure, responsive, reliable,
    performant, simple, clean, smooth, state-of-the-art, as appropriate, etc
    """
)
EMPTY = frozenset(
    _phrases(
        """
    must, should, shall, system, user, users, when, then, that, this, with, from, have, will, able, they, their,
    them, into, each, which
    """
    )
)
